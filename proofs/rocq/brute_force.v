(** * The fewest coins by brute force

    A program that tries every way of paying, proved right.  It serves the examples: values of
    definite stacks are then proved by computation. *)

From Coq Require Import Arith List Lia.
From drnn_theory Require Import stack.
Import ListNotations.
Open Scope nat_scope.

(** The smaller of two numbers, either of which may be missing. *)
Definition smaller (a b : option nat) : option nat :=
  match a, b with
  | Some x, Some y => Some (Nat.min x y)
  | Some x, None => Some x
  | None, _ => b
  end.

(** [best D n] is the fewest coins that pay [n], [None] if it cannot be paid. *)
Fixpoint best (D : stack) (n : nat) : option nat :=
  match D with
  | [] => if n =? 0 then Some 0 else None
  | s :: D' =>
      fold_right smaller None
        (map (fun k => option_map (Nat.add k) (best D' (n - k * s))) (seq 0 (n / s + 1)))
  end.

(** The fold finds a least member. *)
Lemma smallest_is_member_and_least : forall l x,
  fold_right smaller None l = Some x -> In (Some x) l /\ (forall y, In (Some y) l -> x <= y).
Proof.
  induction l as [|a l IH]; simpl; intros x Hx; [discriminate|].
  destruct (fold_right smaller None l) as [r|] eqn:Hr.
  - destruct (IH r eq_refl) as [Hin Hle].
    destruct a as [a|]; simpl in Hx; injection Hx as <-.
    + split.
      * destruct (Nat.min_spec a r) as [[_ ->]|[_ ->]]; auto.
      * intros y [[= ->]|Hy]; [lia|]. specialize (Hle y Hy). lia.
    + split; [auto|]. intros y [[=]|Hy]; auto.
  - assert (Hnone : forall y, ~ In (Some y) l).
    { clear - Hr. induction l as [|b l IH]; simpl in *; intros y; [tauto|].
      destruct b as [b|]; simpl in Hr.
      - destruct (fold_right smaller None l); discriminate.
      - intros [[=]|Hy]. exact (IH Hr y Hy). }
    destruct a as [a|]; simpl in Hx; [|discriminate]. injection Hx as <-.
    split; [auto|]. intros y [[= ->]|Hy]; [lia | destruct (Hnone y Hy)].
Qed.

(** The fold misses nothing. *)
Lemma smallest_exists : forall l y,
  In (Some y) l -> exists x, fold_right smaller None l = Some x.
Proof.
  induction l as [|a l IH]; simpl; intros y Hy; [tauto|].
  destruct Hy as [->|Hy].
  - destruct (fold_right smaller None l); simpl; eauto.
  - destruct (IH y Hy) as [x ->]. destruct a; simpl; eauto.
Qed.

(** What can be paid is found. *)
Lemma best_finds : forall D, positive D -> forall ks n,
  pays D ks n -> exists k, best D n = Some k /\ k <= list_sum ks.
Proof.
  induction D as [|s D IH]; intros Hpos [|k ks] n [Hlen Hval]; simpl in Hlen; try discriminate.
  - simpl in Hval. subst. exists 0. auto.
  - inversion Hpos; subst. injection Hlen as Hlen. simpl value.
    destruct (IH ltac:(assumption) ks (value D ks) (conj Hlen eq_refl)) as [x [Hx Hle]].
    assert (Hin : In (Some (k + x))
      (map (fun j => option_map (Nat.add j) (best D (k * s + value D ks - j * s)))
         (seq 0 ((k * s + value D ks) / s + 1)))).
    { apply in_map_iff. exists k. split.
      - replace (k * s + value D ks - k * s) with (value D ks) by lia. now rewrite Hx.
      - apply in_seq. assert (k <= (k * s + value D ks) / s); [|lia].
        apply Nat.div_le_lower_bound; lia. }
    destruct (smallest_exists _ _ Hin) as [r Hr].
    destruct (smallest_is_member_and_least _ _ Hr) as [_ Hleast].
    exists r. split; [exact Hr|]. specialize (Hleast _ Hin). simpl. lia.
Qed.

(** What is found can be paid. *)
Lemma best_is_paid : forall D n k,
  positive D -> best D n = Some k -> exists ks, pays D ks n /\ list_sum ks = k.
Proof.
  induction D as [|s D IH]; intros n k Hpos Hbest.
  - simpl in Hbest. destruct (Nat.eqb_spec n 0); [|discriminate]. injection Hbest as <-.
    exists []. now subst.
  - inversion Hpos; subst. simpl in Hbest.
    apply smallest_is_member_and_least in Hbest as [Hin _].
    apply in_map_iff in Hin as [j [Hj Hseq]]. apply in_seq in Hseq.
    destruct (best D (n - j * s)) as [x|] eqn:Hx; [|discriminate]. injection Hj as <-.
    destruct (IH _ _ ltac:(assumption) Hx) as [ks [[Hlen Hval] <-]].
    assert (j * s <= n).
    { transitivity (s * (n / s)); [|now apply Nat.mul_div_le; lia].
      rewrite Nat.mul_comm. apply Nat.mul_le_mono_l. lia. }
    exists (j :: ks). repeat split; simpl; [congruence | lia].
Qed.

(** The program is right. *)
Theorem best_is_fewest : forall D n k, positive D -> (fewest D n k <-> best D n = Some k).
Proof.
  intros D n k Hpos.
  assert (Hfew : forall x, best D n = Some x -> fewest D n x).
  { intros x Hx. split; [now apply best_is_paid|].
    intros ks Hks. destruct (best_finds D Hpos ks n Hks) as [y [Hy Hle]]. congruence. }
  split; [|apply Hfew].
  intros Hk. destruct Hk as [[ks [Hks Hsum]] Hmin] eqn:Heq.
  destruct (best_finds D Hpos ks n Hks) as [y [Hy _]].
  now rewrite (fewest_unique D n k y Hk (Hfew y Hy)).
Qed.

(** It finds nothing exactly where nothing can be found. *)
Theorem best_is_none : forall D n, positive D -> (~ payable D n <-> best D n = None).
Proof.
  intros D n Hpos. split.
  - intros Hno. destruct (best D n) as [k|] eqn:Hk; [|reflexivity].
    destruct Hno. destruct (best_is_paid D n k Hpos Hk) as [ks [Hks _]]. now exists ks.
  - intros Hnone [ks Hks]. destruct (best_finds D Hpos ks n Hks) as [k [Hk _]]. congruence.
Qed.

(** What can be paid at all can be paid with fewest coins. *)
Corollary fewest_exists : forall D n, positive D -> payable D n -> exists k, fewest D n k.
Proof.
  intros D n Hpos [ks Hks]. destruct (best_finds D Hpos ks n Hks) as [k [Hk _]].
  exists k. now apply best_is_fewest.
Qed.

(** The same with 0 for what cannot be paid, and a check that it never occurs: for the examples. *)
Definition best_or_0 (D : stack) (n : nat) : nat :=
  match best D n with Some k => k | None => 0 end.

Definition all_payable (D : stack) (m : nat) : bool :=
  forallb (fun n => match best D n with Some _ => true | None => false end) (seq 1 m).

(** Where the check succeeds, the numbers are the fewest coins. *)
Lemma best_or_0_is_fewest : forall D m,
  positive D -> all_payable D m = true ->
  forall n, 1 <= n <= m -> fewest D n (best_or_0 D n).
Proof.
  intros D m Hpos Hall n Hn. apply best_is_fewest; [assumption|].
  unfold all_payable in Hall. rewrite forallb_forall in Hall.
  specialize (Hall n ltac:(apply in_seq; lia)). unfold best_or_0.
  destruct (best D n); [reflexivity | discriminate].
Qed.
