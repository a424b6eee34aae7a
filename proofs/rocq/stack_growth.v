(** * Beyond the span a stack grows like n over its largest dilation

    Let s be the largest dilation of a stack of L layers.  Every lag n within reach has
    d(n) >= L + n/s, and, if n mod s is within reach, d(n) <= floor (n/s) + d(n mod s); so
    d(n) <= floor (n/s) + the largest of d(0), .., d(s - 1) for stacks with a dilation 1.  For a
    divisor chain 1 = s_1 | .. | s_L with ratios n_i the greatest of d(n) - n/s_L over all lags is
    L + sum_(i>=2) (n_i - 1) - 1 + 1/s_L, attained at n = s_L - 1. *)
(* Theorem object: stack_growth *)

From Coq Require Import Arith List Lia QArith Qfield.
From drnn_theory Require Import stack brute_force fewest_coins eventual_periodicity
  divisor_chain_digits divisor_chain_mean.
Import ListNotations.
Open Scope nat_scope.

(** ** Divisor chains *)

(** The lowest dilation of a chain is no larger than the highest. *)
Lemma head_at_most_last : forall D s,
  positive (s :: D) -> each_divides_next (s :: D) -> s <= last (s :: D) 0.
Proof.
  intros D s Hpos Hchain. pose proof (head_divides_last D s Hchain) as Hdiv.
  apply Nat.divide_pos_le; [|assumption].
  unfold positive in Hpos. rewrite Forall_forall in Hpos. apply Hpos.
  rewrite (app_removelast_last 0 (l := s :: D)) at 2 by discriminate. apply in_or_app. simpl. auto.
Qed.

(** Digits, from any layer up: s_L times their sum, against what they pay. *)
Lemma excess_of_digits : forall D s n,
  positive (s :: D) -> each_divides_next (s :: D) ->
  last (s :: D) 0 * digit_sum (s :: D) n + last (s :: D) 0
    <= s * (n / s) + last (s :: D) 0 * sum_of_tops (s :: D) + s.
Proof.
  induction D as [|s' D IH]; intros s n Hpos Hchain;
    inversion Hpos as [|? ? Hs Hpos']; subst.
  - unfold digit_sum, digits, sum_of_tops, list_sum. simpl. lia.
  - pose proof Hchain as [[r Hr] Hchain'].
    assert (Hs' : 0 < s') by now inversion Hpos'. assert (Hr0 : 0 < r) by (destruct r; lia).
    specialize (IH s' n Hpos' Hchain').
    pose proof (head_at_most_last D s' Hpos' Hchain') as Hlast.
    unfold sum_of_tops, digit_sum in *.
    change (last (s :: s' :: D) 0) with (last (s' :: D) 0).
    change (digits (s :: s' :: D) n) with ((n / s) mod (s' / s) :: digits (s' :: D) n).
    change (ratios (s :: s' :: D)) with (s' / s :: ratios (s' :: D)).
    assert (Hratio : s' / s = r) by (rewrite Hr; apply Nat.div_mul; lia).
    rewrite Hratio. cbn [map].
    change (list_sum ((n / s) mod r :: digits (s' :: D) n))
      with ((n / s) mod r + list_sum (digits (s' :: D) n)).
    set (rest := list_sum (map (fun r => r - 1) (ratios (s' :: D)))) in *.
    change (list_sum (r - 1 :: map (fun r => r - 1) (ratios (s' :: D)))) with (r - 1 + rest).
    set (top := last (s' :: D) 0) in *. set (c := list_sum (digits (s' :: D) n)) in *.
    pose proof (Nat.mod_upper_bound (n / s) r ltac:(lia)) as Hdigit.
    pose proof (Nat.div_mod (n / s) r ltac:(lia)) as Hdiv.
    assert (Hquot : n / s / r = n / s') by (rewrite Nat.div_div, Hr by lia; f_equal; lia).
    rewrite Hquot in Hdiv. set (digit := (n / s) mod r) in *. set (q := n / s') in *.
    assert (Hvalue : s * (n / s) = s' * q + s * digit) by (rewrite Hdiv, Hr; ring).
    rewrite Hvalue.
    assert (Hstep : top * digit + s' <= s * digit + top * (r - 1) + s).
    { assert (Hgap : exists gap, top = s + gap) by (exists (top - s); nia).
      destruct Hgap as [gap Hgap]. destruct r as [|r]; [lia|].
      replace (S r - 1) with r by lia. rewrite Hr, Hgap.
      assert (gap * digit <= gap * r) by (apply Nat.mul_le_mono_l; lia). lia. }
    nia.
Qed.

(** The lag s_L - 1 has every lower digit as large as can be. *)
Lemma largest_digits : forall D s,
  positive (s :: D) -> each_divides_next (s :: D) ->
  digit_sum (s :: D) (last (s :: D) 0 - 1) = sum_of_tops (s :: D).
Proof.
  induction D as [|s' D IH]; intros s Hpos Hchain;
    inversion Hpos as [|? ? Hs Hpos']; subst.
  - unfold digit_sum, digits, sum_of_tops, list_sum. cbn [last fold_right map ratios].
    rewrite Nat.div_small by lia. reflexivity.
  - pose proof Hchain as [[r Hr] Hchain'].
    assert (Hs' : 0 < s') by now inversion Hpos'. assert (Hr0 : 0 < r) by (destruct r; lia).
    specialize (IH s' Hpos' Hchain'). destruct (head_divides_last D s' Hchain') as [k Hk].
    pose proof (head_at_most_last D s' Hpos' Hchain') as Hlast.
    unfold sum_of_tops, digit_sum in *.
    change (last (s :: s' :: D) 0) with (last (s' :: D) 0).
    set (top := last (s' :: D) 0) in *.
    change (digits (s :: s' :: D) (top - 1))
      with ((top - 1) / s mod (s' / s) :: digits (s' :: D) (top - 1)).
    change (ratios (s :: s' :: D)) with (s' / s :: ratios (s' :: D)).
    assert (Hratio : s' / s = r) by (rewrite Hr; apply Nat.div_mul; lia).
    rewrite Hratio. cbn [map].
    assert (Hdigit : (top - 1) / s mod r = r - 1).
    { assert (Hk0 : 0 < k) by (destruct k; lia).
      assert (Hq : (top - 1) / s = k * r - 1).
      { symmetry. apply (Nat.div_unique _ _ _ (s - 1)); [lia|]. rewrite Hk, Hr. nia. }
      rewrite Hq. symmetry. apply (Nat.mod_unique _ _ (k - 1)); [lia|]. nia. }
    rewrite Hdigit. change (list_sum (r - 1 :: digits (s' :: D) (top - 1)))
      with (r - 1 + list_sum (digits (s' :: D) (top - 1))).
    rewrite IH. reflexivity.
Qed.

(** ** The theorem *)

(** L + sum_(i>=2) (n_i - 1) - 1 + 1/s_L. *)
Definition greatest_excess (D : stack) : Q :=
  (Qnat (length D) + Qnat (sum_of_tops D) - 1 + 1 / Qnat (last D 0%nat))%Q.

Theorem stack_growth :
  (forall (D : stack) (s n t d : nat),
    positive D -> In s D -> (forall x, In x D -> x <= s) ->
    is_distance D (t, 0) (t + n, length D) d ->
    (Qnat (length D) + Qnat n / Qnat s <= Qnat d)%Q /\
    (forall e, is_distance D (t, 0) (t + n mod s, length D) e -> d <= n / s + e) /\
    (In 1 D -> exists r e, r < s /\ is_distance D (t, 0) (t + r, length D) e /\ d <= n / s + e)) /\
  (forall D : stack, divisor_chain D ->
    (forall n t d, is_distance D (t, 0) (t + n, length D) d ->
      (Qnat d - Qnat n / Qnat (last D 0%nat) <= greatest_excess D)%Q) /\
    (forall t d, is_distance D (t, 0) (t + (last D 0 - 1), length D) d ->
      (Qnat d - Qnat (last D 0%nat - 1) / Qnat (last D 0%nat) == greatest_excess D)%Q)).
Proof.
  split.
  - intros D s n t d Hpos Hs Hmax Hd.
    assert (Hs0 : 0 < s) by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto).
    pose proof Hd as Hd'. apply distance_by_coins in Hd' as [Hle Hk].
    assert (Hbounds : forall r, fewest D (n mod s) r -> n <= s * (d - length D) /\
      d - length D <= n / s + r)
      by (intros r Hr; exact (linear_bounds D s n _ r Hpos Hs Hmax Hk Hr)).
    assert (Hlower : n <= s * (d - length D)).
    { apply fewest_reaches in Hk as [[cs [Hin [<- Hlen]]] _].
      assert (list_sum cs <= s * length cs) by (apply sum_at_most; intros c Hc; auto). nia. }
    assert (Hupper : forall e, is_distance D (t, 0) (t + n mod s, length D) e -> d <= n / s + e).
    { intros e He. apply distance_by_coins in He as [Hle' Hr].
      destruct (Hbounds _ Hr) as [_ Hup]. lia. }
    split; [|split; [exact Hupper|]].
    + assert (Hsq : ~ (Qnat s == 0)%Q) by (apply Qnat_nonzero; lia).
      apply (Qmult_le_r _ _ (Qnat s)); [apply Qnat_positive; lia|].
      setoid_replace ((Qnat (length D) + Qnat n / Qnat s) * Qnat s)%Q
        with (Qnat (length D * s + n)) by (rewrite Qnat_add, Qnat_mul; field; assumption).
      rewrite <- Qnat_mul. apply Qnat_le. nia.
    + intros H1. destruct (fewest_exists D (n mod s) Hpos) as [r Hr].
      { destruct (counts_of_coins D (repeat 1 (n mod s))) as [ks [Hks _]].
        - intros c Hc. apply repeat_spec in Hc as ->. assumption.
        - rewrite sum_of_repeat, Nat.mul_1_r in Hks. now exists ks. }
      exists (n mod s), (length D + r). split; [apply Nat.mod_upper_bound; lia|].
      assert (He := fewest_coins_distance D t (n mod s) r Hr). split; [assumption | auto].
  - intros D HD. pose proof (last_positive D HD) as Htop.
    assert (Htq : ~ (Qnat (last D 0%nat) == 0)%Q) by now apply Qnat_nonzero.
    assert (Hcoins : forall n t d, is_distance D (t, 0) (t + n, length D) d ->
      d = length D + digit_sum D n).
    { intros n t d Hd. apply distance_by_coins in Hd as [Hle Hk].
      pose proof (fewest_unique _ _ _ _ Hk (digits_are_fewest D n HD)). lia. }
    pose proof HD as [Hone [Hpos Hchain]].
    destruct D as [|s D]; [discriminate|]. simpl in Hone. subst s.
    set (top := last (1 :: D) 0) in *. unfold greatest_excess. fold top.
    split.
    + intros n t d Hd. rewrite (Hcoins n t d Hd), Qnat_add.
      pose proof (excess_of_digits D 1 n Hpos Hchain) as Hle. fold top in Hle.
      rewrite Nat.div_1_r, Nat.mul_1_l in Hle.
      apply (Qmult_le_r _ _ (Qnat top)); [now apply Qnat_positive|].
      apply Qnat_le in Hle. rewrite !Qnat_add, !Qnat_mul in Hle. change (Qnat 1) with 1%Q in Hle.
      set (x := Qnat (length (1 :: D))). set (c := Qnat (digit_sum (1 :: D) n)) in *.
      set (y := Qnat (sum_of_tops (1 :: D))) in *. set (z := Qnat top) in *.
      setoid_replace ((x + c - Qnat n / z) * z)%Q with (x * z + (z * c + z) - z - Qnat n)%Q
        by (field; assumption).
      setoid_replace ((x + y - 1 + 1 / z) * z)%Q with (x * z + (Qnat n + z * y + 1) - z - Qnat n)%Q
        by (field; assumption).
      unfold Qminus. apply Qplus_le_l, Qplus_le_l, Qplus_le_r. assumption.
    + intros t d Hd. rewrite (Hcoins _ t d Hd), Qnat_add, Qnat_pred by assumption.
      pose proof (largest_digits D 1 Hpos Hchain) as Heq. fold top in Heq. rewrite Heq.
      field. assumption.
Qed.

(** ** Examples *)

(** Dilations 1, 2, 4, 8: 49/8, at the lag 7. *)
Example excess_49_8 : (greatest_excess [1; 2; 4; 8]%nat == 49 # 8)%Q.
Proof. reflexivity. Qed.

Print Assumptions stack_growth.
