"""Dependencies between theorems: those that each proof uses, as data and as a graph."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RESTS_ON"]

RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "fewest_coins": (),
    "divisor_chain_digits": ("fewest_coins",),
    "eventual_periodicity": ("fewest_coins", "unreachable_lags"),
    "stack_certificate": ("fewest_coins", "eventual_periodicity"),
    "graph_certificate": (),
    "stack_growth": ("fewest_coins", "divisor_chain_digits"),
    "divisor_chain_mean": ("divisor_chain_digits",),
    "divisor_chain_mean_at_multiples": ("divisor_chain_mean",),
    "exponential_mean": ("divisor_chain_mean",),
    "plain_stack_mean": ("fewest_coins",),
    "skip_mean": (),
    "two_lag_mean": ("fewest_coins", "divisor_chain_digits"),
    "best_two_lag": ("two_lag_mean",),
    "per_layer_lags_mean": ("fewest_coins", "exponential_mean"),
    "narx_mean": (),
    "mist_mean": ("fewest_coins", "exponential_mean"),
    "fusion_mean": ("divisor_chain_mean_at_multiples",),
    "dilated_cnn_mean": (),
    "clockwork_mean": (),
    "theorem_3_1": ("divisor_chain_mean",),
    "divisibility_is_needed": ("theorem_3_1",),
    "divisibility_is_needed_for_uniqueness": ("divisibility_is_needed",),
    "last_dilation_is_needed": ("theorem_3_1",),
    "best_base": ("exponential_mean",),
    "any_span_chain": ("divisor_chain_digits",),
    "delange_trollope": ("divisor_chain_digits",),
    "linear_lower_bound": (),
    "unreachable_lags": ("fewest_coins",),
    "path_generating_function": ("fewest_coins",),
    "counting_bound": ("fewest_coins",),
    "exponential_near_optimal": ("counting_bound",),
    "optimal_schemes": ("fewest_coins", "pruning_bound"),
    "pruning_bound": ("fewest_coins",),
    "span_limit": ("eventual_periodicity",),
    "span_limit_by_residue": ("eventual_periodicity",),
    "chain_worst": ("divisor_chain_digits",),
    "postage_stamp_bound": ("counting_bound",),
    "prime_power_chains": ("divisor_chain_mean",),
    "lags_per_layer": ("fewest_coins", "counting_bound"),
    "layer_order": ("path_generating_function",),
    "added_lag": ("path_generating_function",),
    "coarsening": ("path_generating_function",),
    "concatenation": ("path_generating_function",),
    "shortest_paths": ("fewest_coins", "divisor_chain_digits"),
    "dilated_versus_skip": ("exponential_mean", "skip_mean"),
    "dilated_versus_plain": ("exponential_mean", "plain_stack_mean"),
    "dilated_versus_per_layer_lags": ("per_layer_lags_mean",),
    "dilated_versus_cnn": ("exponential_mean", "dilated_cnn_mean"),
}
"""name -> the theorems that its statement or proof refers to, directly"""
