(** * The bound that prunes the search for the best dilations

    Let the dilations P pay n with d(n) coins at the fewest, and let R be r >= 1 further dilations,
    all of them s or more.  Of the lags s..m, those that P and R together reach with at most j
    recurrent edges are no more than

      N_j = #{s <= n <= m : d(n) <= j} +
            sum_(b=1..j) C(b + r - 1, r - 1) #{0 <= p <= m - b s : d(p) <= j - b},

    and the lags below s cost d(n) as before.  So the sum over the lags 1..m is at least the sum of
    d(n) over n < s and of max(0, m - s + 1 - N_j) over j, however P is completed. *)
(* Theorem object: pruning_bound *)

From Coq Require Import Arith List Lia QArith Bool.
From drnn_theory Require Import stack brute_force fewest_coins counting.
Import ListNotations.
Open Scope nat_scope.

(** ** Payments by two groups of coins *)

(** A payment by [P ++ R] is one by [P] and one by [R]. *)
Lemma payment_splits : forall P R ks n, pays (P ++ R) ks n ->
  exists ps rs, length ps = length P /\ length rs = length R /\
    value P ps + value R rs = n /\ list_sum ps + list_sum rs = list_sum ks.
Proof.
  induction P as [|s P IH]; intros R ks n [Hlen Hval].
  - exists [], ks. repeat split; assumption.
  - destruct ks as [|k ks]; [discriminate|]. injection Hlen as Hlen. simpl in Hval.
    destruct (IH R ks (value (P ++ R) ks) (conj Hlen eq_refl)) as [ps [rs [Hp [Hr [Hv Hs]]]]].
    exists (k :: ps), rs. simpl. unfold list_sum in *. simpl. repeat split; lia.
Qed.

(** .. and the other way round. *)
Lemma payment_joins : forall P R ps rs,
  length ps = length P -> length rs = length R ->
  pays (P ++ R) (ps ++ rs) (value P ps + value R rs) /\
  list_sum (ps ++ rs) = list_sum ps + list_sum rs.
Proof.
  induction P as [|s P IH]; intros R [|k ps] rs Hp Hr; simpl in Hp; try discriminate.
  - repeat split. assumption.
  - destruct (IH R ps rs ltac:(congruence) Hr) as [[Hlen Hval] Hsum]. unfold list_sum in *. simpl.
    repeat split; simpl; lia.
Qed.

(** Without coins nothing is paid. *)
Lemma value_of_no_coins : forall R ks, list_sum ks = 0 -> value R ks = 0.
Proof.
  induction R as [|s R IH]; intros [|k ks] Hsum; try reflexivity.
  rewrite list_sum_cons in Hsum. simpl. rewrite IH; [|lia]. replace k with 0 by lia. reflexivity.
Qed.

Lemma no_coins : forall R, pays R (repeat 0 (length R)) 0 /\ list_sum (repeat 0 (length R)) = 0.
Proof.
  intros R. assert (Hsum : list_sum (repeat 0 (length R)) = 0) by (induction R; simpl; auto).
  split; [split; [apply repeat_length | now apply value_of_no_coins] | assumption].
Qed.

(** ** The lags below s are settled *)

(** Coins of [s] or more cannot help below [s]. *)
Lemma settled : forall P R s n k,
  (forall x, In x R -> s <= x) -> n < s -> fewest (P ++ R) n k -> fewest P n k.
Proof.
  intros P R s n k Hlarge Hn [[ks [Hks Hsum]] Hmin].
  destruct (payment_splits P R ks n Hks) as [ps [rs [Hp [Hr [Hval Hparts]]]]].
  pose proof (paid_is_a_sum R rs Hr) as Hin.
  pose proof (sum_of_large_coins s R _ _ Hlarge Hin) as Hleast.
  assert (Hnone : list_sum rs = 0) by (destruct (list_sum rs); [reflexivity | nia]).
  rewrite (value_of_no_coins R rs Hnone) in Hval.
  split.
  - exists ps. repeat split; [assumption | lia | lia].
  - intros js [Hj Hvj]. destruct (no_coins R) as [[H0 Hv0] Hs0].
    destruct (payment_joins P R js (repeat 0 (length R)) Hj H0) as [Hpays Hboth].
    rewrite Hvj, Hv0, Nat.add_0_r in Hpays. specialize (Hmin _ Hpays). lia.
Qed.

(** ** Of the others few are cheap *)

(** The pairs (what R pays with b coins, what is left for P), as sums. *)
Definition mixed (R : stack) (cheap : nat -> nat -> bool) (s m j b : nat) : list nat :=
  flat_map (fun q => map (Nat.add q) (filter (fun p => cheap p (j - b)) (seq 0 (m + 1 - b * s))))
    (sums R b).

Lemma length_flat_map : forall (A B : Type) (f : A -> list B) c ls,
  (forall x, In x ls -> length (f x) = c) -> length (flat_map f ls) = length ls * c.
Proof.
  intros A B f c. induction ls as [|x ls IH]; intros H; [reflexivity|].
  simpl. rewrite app_length, IH, (H x (or_introl eq_refl)); [reflexivity|].
  intros y Hy. apply H. now right.
Qed.

Lemma length_mixed : forall R cheap s m j b, R <> [] ->
  length (mixed R cheap s m j b) = binomial (b + length R - 1) (length R - 1)
    * number (fun p => cheap p (j - b)) (seq 0 (m + 1 - b * s)).
Proof.
  intros [|x R] cheap s m j b HR; [congruence|]. unfold mixed.
  rewrite (length_flat_map _ _ _ (number (fun p => cheap p (j - b)) (seq 0 (m + 1 - b * s)))).
  - rewrite length_sums. change (length (x :: R)) with (S (length R)).
    now replace (b + S (length R) - 1) with (b + length R) by lia;
      replace (S (length R) - 1) with (length R) by lia.
  - intros q _. now rewrite map_length.
Qed.

(** How many lags of s..m the coins of R may make cheap: the sum over b in N_j. *)
Definition made_cheap (cheap : nat -> nat -> bool) (r s m j : nat) : nat :=
  list_sum (map (fun b => binomial (b + r - 1) (r - 1)
    * number (fun p => cheap p (j - b)) (seq 0 (m + 1 - b * s))) (seq 1 j)).

(** [cheap p j] must be true where P pays p with at most j coins. *)
Lemma few_are_cheap : forall P R cheap s m j (c : nat -> nat),
  R <> [] -> (forall x, In x R -> s <= x) ->
  (forall p ks k, p <= m -> pays P ks p -> list_sum ks <= k -> cheap p k = true) ->
  (forall n, s <= n <= m -> fewest (P ++ R) n (c n)) ->
  number (fun n => negb (cheap n j)) (seq s (m + 1 - s)) <=
  number (fun n => j <? c n) (seq s (m + 1 - s)) + made_cheap cheap (length R) s m j.
Proof.
  intros P R cheap s m j c HR Hlarge Hcheap Hc.
  replace (number (fun n => j <? c n) (seq s (m + 1 - s)) + made_cheap cheap (length R) s m j)
    with (length (filter (fun n => j <? c n) (seq s (m + 1 - s))
      ++ flat_map (mixed R cheap s m j) (seq 1 j))).
  - apply number_at_most; [apply seq_NoDup|].
    intros n Hn Hdear. apply in_seq in Hn. apply in_or_app.
    destruct (Nat.ltb_spec j (c n)) as [Hmore|Hle].
    { left. apply filter_In. split; [apply in_seq; lia | now apply Nat.ltb_lt]. }
    right. destruct (Hc n ltac:(lia)) as [[ks [Hks Hsum]] _].
    destruct (payment_splits P R ks n Hks) as [ps [rs [Hp [Hr [Hval Hparts]]]]].
    pose proof (paid_is_a_sum R rs Hr) as Hin.
    pose proof (sum_of_large_coins s R _ _ Hlarge Hin) as Hleast.
    destruct (Nat.eq_dec (list_sum rs) 0) as [Hnone|Hsome].
    { rewrite (value_of_no_coins R rs Hnone) in Hval.
      rewrite (Hcheap n ps j) in Hdear; [discriminate | lia | split; lia | lia]. }
    apply in_flat_map. exists (list_sum rs). split; [apply in_seq; lia|].
    unfold mixed. apply in_flat_map. exists (value R rs). split; [assumption|].
    apply in_map_iff. exists (value P ps). split; [lia|].
    apply filter_In. split; [apply in_seq; lia|].
    apply (Hcheap _ ps); [lia | now split | lia].
  - rewrite app_length. f_equal. unfold made_cheap.
    clear - HR. induction (seq 1 j) as [|b bs IH]; [reflexivity|].
    simpl. rewrite app_length, (length_mixed R cheap s m j b HR), IH. reflexivity.
Qed.

(** ** The theorem *)

(** Does P pay p with at most j coins? *)
Definition pays_within (P : stack) (p j : nat) : bool :=
  match best P p with Some k => k <=? j | None => false end.

(** N_j. *)
Definition cheap_at_most (P : stack) (r s m j : nat) : nat :=
  number (fun n => pays_within P n j) (seq s (m + 1 - s)) + made_cheap (pays_within P) r s m j.

(** B(P, s), with the sum over j broken off at J. *)
Definition bound (P : stack) (r s m J : nat) : nat :=
  list_sum (map (best_or_0 P) (seq 1 (s - 1)))
  + list_sum (map (fun j => m + 1 - s - cheap_at_most P r s m j) (seq 0 J)).

(** What P pays with k coins it pays within k. *)
Lemma pays_within_true : forall P p ks k,
  positive P -> pays P ks p -> list_sum ks <= k -> pays_within P p k = true.
Proof.
  intros P p ks k Hpos Hks Hle. unfold pays_within.
  destruct (best_finds P Hpos ks p Hks) as [x [-> Hx]]. apply Nat.leb_le. lia.
Qed.

(** B(P, s) is a lower bound on the sum of fewest coins over 1..m, and so on the mean recurrent
    length, of every stack that has the dilations P and r >= 1 more, all of them s or more. *)
Theorem pruning_bound : forall (P R : stack) (s m J : nat),
  positive P -> R <> [] -> (forall x, In x R -> s <= x) -> 1 <= s <= m + 1 ->
  (forall c, (forall n, 1 <= n <= m -> fewest (P ++ R) n (c n)) ->
    (forall j, number (fun n => c n <=? j) (seq s (m + 1 - s))
      <= cheap_at_most P (length R) s m j) /\
    bound P (length R) s m J <= list_sum (map c (seq 1 m))) /\
  (forall q, is_mean_recurrent_length (P ++ R) m q -> 1 <= m ->
    (Qnat (length (P ++ R)) + Qnat (bound P (length R) s m J) / Qnat m <= q)%Q).
Proof.
  intros P R s m J Hpos HR Hlarge Hs.
  assert (Hcoins : forall c, (forall n, 1 <= n <= m -> fewest (P ++ R) n (c n)) ->
    (forall j, number (fun n => c n <=? j) (seq s (m + 1 - s))
      <= cheap_at_most P (length R) s m j) /\
    bound P (length R) s m J <= list_sum (map c (seq 1 m))).
  { intros c Hc.
    assert (Hfew : forall j, number (fun n => c n <=? j) (seq s (m + 1 - s))
        <= cheap_at_most P (length R) s m j).
    { intros j. pose proof (few_are_cheap P R (pays_within P) s m j c HR Hlarge) as H.
      specialize (H ltac:(intros; now apply (pays_within_true P p ks)) ltac:(intros; apply Hc; lia)).
      pose proof (number_not (fun n => pays_within P n j) (seq s (m + 1 - s))) as Hnot.
      pose proof (number_not (fun n => c n <=? j) (seq s (m + 1 - s))) as Hnot'.
      rewrite (number_ext (fun n => negb (c n <=? j)) (fun n => j <? c n)) in Hnot'.
      - unfold cheap_at_most. lia.
      - intros n _. rewrite Nat.leb_antisym. apply negb_involutive. }
    split; [assumption|].
    replace (seq 1 m) with (seq 1 (s - 1) ++ seq s (m + 1 - s)).
    - rewrite map_app, list_sum_app. unfold bound. apply Nat.add_le_mono.
      + apply sum_le. intros n Hn. apply in_seq in Hn.
        assert (Hfewest : fewest P n (c n)) by (apply (settled P R s); auto; [lia|]; apply Hc; lia).
        apply best_is_fewest in Hfewest; [|assumption]. unfold best_or_0. rewrite Hfewest. lia.
      + etransitivity; [|apply (sum_by_levels c J)]. apply sum_le. intros j _.
        specialize (Hfew j). pose proof (number_not (fun n => c n <=? j) (seq s (m + 1 - s))) as Hnot.
        rewrite seq_length in Hnot.
        rewrite (number_ext (fun n => negb (c n <=? j)) (fun n => j <? c n)) in Hnot; [lia|].
        intros n _. rewrite Nat.leb_antisym. apply negb_involutive.
    - replace s with (1 + (s - 1)) at 2 by lia. rewrite <- seq_app. f_equal. lia. }
  split; [exact Hcoins|].
  intros q Hq Hm. destruct (coins_of_mean _ _ _ Hm Hq) as [c [Hc Heq]].
  destruct (Hcoins c Hc) as [_ Hbound]. rewrite Heq.
  apply Qplus_le_r. apply Qmult_le_compat_r; [now apply Qnat_le|].
  apply Qinv_le_0_compat. unfold Qnat. rewrite <- (Zle_Qle 0). lia.
Qed.

(** ** Examples *)

(** Completing 1 by two dilations of 20 or more costs 601 at least over the lags 1..99. *)
Example a_bound : bound [1] 2 20 99 30 = 601.
Proof. vm_compute. reflexivity. Qed.

Print Assumptions pruning_bound.
