(** * How many sums a few coins can make

    Lists of all sums of b coins, their number, and counting the members of a range: what the
    counting bound and the pruning bound share. *)

From Coq Require Import Arith List Lia.
From drnn_theory Require Import stack.
Import ListNotations.
Open Scope nat_scope.

(** ** Binomial coefficients *)

Fixpoint binomial (n k : nat) : nat :=
  match n, k with
  | _, 0 => 1
  | 0, S _ => 0
  | S n', S k' => binomial n' k' + binomial n' k
  end.

Lemma binomial_0 : forall n, binomial n 0 = 1.
Proof. now destruct n. Qed.

Lemma binomial_beyond : forall n k, n < k -> binomial n k = 0.
Proof.
  induction n as [|n IH]; intros [|k] Hk; try lia; [reflexivity|].
  simpl. rewrite !IH; lia.
Qed.

Lemma binomial_all : forall n, binomial n n = 1.
Proof. induction n as [|n IH]; [reflexivity|]. simpl. rewrite IH, binomial_beyond; lia. Qed.

(** ** All sums of b coins *)

(** Every sum of exactly [b] coins of the stack, once for each choice of the coins. *)
Fixpoint sums (R : stack) : nat -> list nat :=
  match R with
  | [] => fun b => match b with 0 => [0] | S _ => [] end
  | s :: R' =>
      fix coins (b : nat) : list nat :=
        match b with
        | 0 => [0]
        | S b' => sums R' b ++ map (Nat.add s) (coins b')
        end
  end.

Lemma sums_cons : forall s R b,
  sums (s :: R) (S b) = sums R (S b) ++ map (Nat.add s) (sums (s :: R) b).
Proof. reflexivity. Qed.

Lemma sums_0 : forall R, sums R 0 = [0].
Proof. now destruct R. Qed.

(** b coins of r kinds can be chosen in C(b + r - 1, r - 1) ways. *)
Lemma length_sums : forall R b s, length (sums (s :: R) b) = binomial (b + length R) (length R).
Proof.
  induction R as [|s' R IH]; intros b s.
  - change (length (@nil nat)) with 0. rewrite Nat.add_0_r, binomial_0.
    induction b as [|b IHb]; [reflexivity|].
    rewrite sums_cons, app_length, map_length, IHb. reflexivity.
  - induction b as [|b IHb].
    + now rewrite sums_0, binomial_all.
    + rewrite sums_cons, app_length, map_length, IHb, IH.
      change (length (s' :: R)) with (S (length R)).
      change (S b + S (length R)) with (S (b + S (length R))).
      replace (S b + length R) with (b + S (length R)) by lia. reflexivity.
Qed.

(** What some coins pay is one of the sums of so many coins. *)
Lemma paid_is_a_sum : forall R ks, length ks = length R -> In (value R ks) (sums R (list_sum ks)).
Proof.
  induction R as [|s R IH]; intros [|k ks] Hlen; try discriminate; [now left|].
  injection Hlen as Hlen. change (value (s :: R) (k :: ks)) with (k * s + value R ks).
  change (list_sum (k :: ks)) with (k + list_sum ks).
  induction k as [|k IHk].
  - specialize (IH ks Hlen). simpl plus in *. simpl mult.
    destruct (list_sum ks) as [|b].
    + rewrite sums_0 in *. assumption.
    + rewrite sums_cons. apply in_or_app. now left.
  - change (S k + list_sum ks) with (S (k + list_sum ks)). rewrite sums_cons.
    apply in_or_app. right. apply in_map_iff. exists (k * s + value R ks). split; [lia|assumption].
Qed.

(** Coins of [s] or more, [b] of them, sum to [b * s] or more. *)
Lemma sum_of_large_coins : forall s R b q,
  (forall x, In x R -> s <= x) -> In q (sums R b) -> b * s <= q.
Proof.
  intros s. induction R as [|x R IH]; intros b q Hlarge Hq.
  - destruct b; simpl in Hq; [lia | tauto].
  - revert q Hq. induction b as [|b IHb]; intros q Hq; [lia|].
    rewrite sums_cons in Hq. apply in_app_or in Hq as [Hq|Hq].
    + apply IH; [|assumption]. intros y Hy. apply Hlarge. now right.
    + apply in_map_iff in Hq as [q' [<- Hq']]. specialize (IHb q' Hq').
      pose proof (Hlarge x (or_introl eq_refl)). simpl. lia.
Qed.

(** ** Counting *)

(** How many members of a list pass a test. *)
Definition number (test : nat -> bool) (ls : list nat) : nat := length (filter test ls).

Lemma number_cons : forall test n ls,
  number test (n :: ls) = (if test n then 1 else 0) + number test ls.
Proof. intros. unfold number. simpl. now destruct (test n). Qed.

Lemma number_app : forall test ls ls',
  number test (ls ++ ls') = number test ls + number test ls'.
Proof. intros. unfold number. now rewrite filter_app, app_length. Qed.

Lemma number_ext : forall test test' ls,
  (forall n, In n ls -> test n = test' n) -> number test ls = number test' ls.
Proof.
  intros test test'. induction ls as [|n ls IH]; intros H; [reflexivity|].
  rewrite !number_cons, H by now left. rewrite IH; [reflexivity|]. intros. apply H. now right.
Qed.

Lemma number_not : forall test ls,
  number test ls + number (fun n => negb (test n)) ls = length ls.
Proof.
  intros test. induction ls as [|n ls IH]; [reflexivity|].
  rewrite !number_cons. simpl. destruct (test n); simpl; lia.
Qed.

(** Distinct members that all lie in another list are no more than its members. *)
Lemma number_at_most : forall test ls ls',
  NoDup ls -> (forall n, In n ls -> test n = true -> In n ls') -> number test ls <= length ls'.
Proof.
  intros test ls ls' Hdistinct Hin. unfold number.
  apply NoDup_incl_length; [now apply NoDup_filter|].
  intros n Hn. apply filter_In in Hn as [Hn Htest]. auto.
Qed.

Lemma list_sum_cons : forall n ls, list_sum (n :: ls) = n + list_sum ls.
Proof. reflexivity. Qed.

(** A sum is at least what its terms have beyond 0, beyond 1, .., beyond J - 1. *)
Lemma sum_by_levels : forall (f : nat -> nat) J ls,
  list_sum (map (fun j => number (fun n => j <? f n) ls) (seq 0 J)) <= list_sum (map f ls).
Proof.
  intros f J. induction ls as [|n ls IH].
  - unfold number, list_sum. simpl. induction (seq 0 J); simpl in *; lia.
  - change (list_sum (map f (n :: ls))) with (f n + list_sum (map f ls)).
    assert (Hone : list_sum (map (fun j => if j <? f n then 1 else 0) (seq 0 J)) <= f n).
    { clear. assert (H : forall a b, list_sum (map (fun j => if j <? b then 1 else 0) (seq a J))
        <= b - a); [|specialize (H 0 (f n)); lia].
      induction J as [|J IH]; intros a b; [simpl; lia|].
      cbn [seq map]. rewrite list_sum_cons. specialize (IH (S a) b).
      destruct (Nat.ltb_spec a b); lia. }
    transitivity (list_sum (map (fun j => if j <? f n then 1 else 0) (seq 0 J))
      + list_sum (map (fun j => number (fun n => j <? f n) ls) (seq 0 J))); [|lia].
    clear. apply Nat.eq_le_incl. induction (seq 0 J) as [|j js IH]; [reflexivity|].
    cbn [map]. rewrite !list_sum_cons, number_cons, IH. lia.
Qed.

(** Term by term. *)
Lemma sum_le : forall (f g : nat -> nat) ls,
  (forall n, In n ls -> f n <= g n) -> list_sum (map f ls) <= list_sum (map g ls).
Proof.
  intros f g. unfold list_sum. induction ls as [|n ls IH]; intros H; simpl; [lia|].
  pose proof (H n (or_introl eq_refl)). specialize (IH (fun x Hx => H x (or_intror Hx))). lia.
Qed.
