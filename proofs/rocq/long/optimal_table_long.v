(** * The table of optimal dilations: the rows that take long

    The rows of the shipped table whose search takes longest of those that were run. *)

From Coq Require Import Arith List QArith.
From drnn_theory Require Import stack optimal_search.
Import ListNotations.
Open Scope nat_scope.

Theorem span_99_layers_7 : all_optima 7 99 (958 # 99) [[1; 4; 9; 11; 26; 38; 44]].
Proof.
  refine (optimal_means 7 265 7 99 _ _ _ _);
    [vm_cast_no_check (eq_refl true) | vm_compute; reflexivity].
Qed.

Definition optimal_table_long :=
  (span_99_layers_7).

Print Assumptions optimal_table_long.
