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

Theorem span_128_layers_7 : all_optima 7 128 (1269 # 128) [[1; 3; 8; 14; 32; 36; 55]; [1; 4; 6; 15; 27; 45; 55]; [1; 4; 6; 20; 31; 41; 54]; [1; 4; 9; 16;
  34; 36; 55]; [1; 4; 9; 20; 27; 42; 59]; [1; 4; 9; 21; 32; 47; 57]; [1; 4; 9; 24; 36; 49; 55];
  [1; 4; 11; 16; 33; 47; 56]; [1; 4; 11; 16; 34; 36; 55]; [1; 5; 8; 17; 36; 38; 49]].
Proof.
  refine (optimal_means 7 373 7 128 _ _ _ _);
    [vm_cast_no_check (eq_refl true) | vm_compute; reflexivity].
Qed.

Theorem span_256_layers_5 : all_optima 5 256 (607 # 64) [[1; 6; 15; 49; 75]].
Proof.
  refine (optimal_means 10 1148 5 256 _ _ _ _);
    [vm_cast_no_check (eq_refl true) | vm_compute; reflexivity].
Qed.

Definition optimal_table_long :=
  (span_99_layers_7, span_128_layers_7, span_256_layers_5).

Print Assumptions optimal_table_long.
