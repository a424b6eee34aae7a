(** * The best dilations for span 99, with one to five layers

    Over the lags 1..99 the least mean recurrent lengths of stacks of 1, 2, 3, 4 and 5 layers are
    51, 122/11, 812/99, 785/99 and 824/99.  They are attained by the stacks with the dilations 1; 1
    and 10 or 1 and 11; 1, 12, 19; 1, 5, 18 and 25 or 29; and 1, 5, 16, 23, 33, the layers in
    whatever order; and by no others, among all stacks of so many layers: those with repeated
    dilations, or with dilations beyond 99, are not excepted.  The mean is that of the shortest
    paths in the unfolded graph.

    For one to four layers these are the best coins for the amounts up to 99 of Shallit (2003). *)
(* Theorem object: optimal_schemes *)

From Coq Require Import Arith List QArith.
From drnn_theory Require Import stack optimal_search.
Import ListNotations.
Open Scope nat_scope.

(** Each row by the search of [optimal_search], which is proved to miss nothing. *)

Theorem span_99_layers_1 : all_optima 1 99 (51 # 1) [[1]].
Proof.
  refine (optimal_means 1 4950 1 99 _ _ _ _); [vm_cast_no_check (eq_refl true) | reflexivity].
Qed.

Theorem span_99_layers_2 : all_optima 2 99 (122 # 11) [[1; 10]; [1; 11]].
Proof.
  refine (optimal_means 40 900 2 99 _ _ _ _); [vm_cast_no_check (eq_refl true) | reflexivity].
Qed.

Theorem span_99_layers_3 : all_optima 3 99 (812 # 99) [[1; 12; 19]].
Proof.
  refine (optimal_means 20 515 3 99 _ _ _ _); [vm_cast_no_check (eq_refl true) | reflexivity].
Qed.

Theorem span_99_layers_4 : all_optima 4 99 (785 # 99) [[1; 5; 18; 25]; [1; 5; 18; 29]].
Proof.
  refine (optimal_means 14 389 4 99 _ _ _ _); [vm_cast_no_check (eq_refl true) | reflexivity].
Qed.

Theorem span_99_layers_5 : all_optima 5 99 (824 # 99) [[1; 5; 16; 23; 33]].
Proof.
  refine (optimal_means 10 329 5 99 _ _ _ _); [vm_cast_no_check (eq_refl true) | reflexivity].
Qed.

(** ** The theorem *)

Theorem optimal_schemes :
  all_optima 1 99 (51 # 1) [[1]] /\
  all_optima 2 99 (122 # 11) [[1; 10]; [1; 11]] /\
  all_optima 3 99 (812 # 99) [[1; 12; 19]] /\
  all_optima 4 99 (785 # 99) [[1; 5; 18; 25]; [1; 5; 18; 29]] /\
  all_optima 5 99 (824 # 99) [[1; 5; 16; 23; 33]].
Proof.
  exact (conj span_99_layers_1 (conj span_99_layers_2 (conj span_99_layers_3
    (conj span_99_layers_4 span_99_layers_5)))).
Qed.

(** ** Examples *)

(** In the order of the layers: 25 below, 1 on top. *)
Example any_order : is_mean_recurrent_length [25; 18; 5; 1] 99 (785 # 99).
Proof.
  apply fewest_coins.mean_by_brute_force; [repeat constructor | vm_compute; reflexivity |].
  vm_compute. reflexivity.
Qed.

(** The coins of the United States take more: 470 for the amounts up to 99, where 389 suffice. *)
Example us_coins_are_not_best : forall q,
  is_mean_recurrent_length [1; 5; 10; 25] 99 q -> ((785 # 99) < q)%Q.
Proof.
  intros q Hq. destruct optimal_schemes as [_ [_ [_ [[_ Hall] _]]]].
  destruct (Hall [1; 5; 10; 25] q) as [Hle Hiff]; [repeat constructor | reflexivity | assumption |].
  apply Qle_lt_or_eq in Hle as [Hlt|Heq]; [assumption|].
  symmetry in Heq. apply Hiff in Heq as [S [HS Hperm]]. exfalso.
  assert (H10 : In 10 S) by (apply (Permutation.Permutation_in 10 (Permutation.Permutation_sym Hperm)); simpl; tauto).
  simpl in HS. destruct HS as [<-|[<-|[]]]; simpl in H10; intuition discriminate.
Qed.

Print Assumptions optimal_schemes.
