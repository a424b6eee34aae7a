(** * The counting bound: no stack does better

    Of the lags 0..m a stack of L layers reaches no more than C(k + L, L) with at most k recurrent
    edges.  So its mean recurrent length over the lags 1..m is at least
    L + ((K + 1)(m + 1) - C(K + L + 1, L + 1)) / m for every K, and best for the largest K with
    C(K + L, L) <= m + 1; if these are equal, it is L + (m + 1)/m K L / (L + 1).  The bound is
    attained by one layer at every span, and by the dilations 1..L at the span L.  And if every lag
    up to m takes at most k recurrent edges, then C(k + L, L) is m + 1 at least. *)
(* Theorem objects: counting_bound, postage_stamp_bound *)

From Coq Require Import Arith List Lia QArith Bool.
From drnn_theory Require Import stack brute_force fewest_coins eventual_periodicity counting
  pruning_bound.
Import ListNotations.
Open Scope nat_scope.

(** ** Binomial coefficients *)

Lemma hockey_stick : forall L K,
  list_sum (map (fun k => binomial (k + L) L) (seq 0 (K + 1))) = binomial (K + L + 1) (L + 1).
Proof.
  intros L K. rewrite !Nat.add_1_r. induction K as [|K IH].
  - simpl seq. simpl map. rewrite list_sum_cons. simpl (0 + L). rewrite !binomial_all. reflexivity.
  - rewrite seq_S, map_app, list_sum_app, IH.
    change (map (fun k => binomial (k + L) L) [0 + S K]) with [binomial (S K + L) L].
    change (list_sum [binomial (S K + L) L]) with (binomial (S K + L) L + 0).
    change (S K + L) with (S (K + L)).
    change (binomial (S (S (K + L))) (S L))
      with (binomial (S (K + L)) L + binomial (S (K + L)) (S L)). lia.
Qed.

(** (k + 1) C(n + 1, k + 1) = (n + 1) C(n, k). *)
Lemma absorption : forall n k, S k * binomial (S n) (S k) = S n * binomial n k.
Proof.
  induction n as [|n IH]; intros k.
  - destruct k as [|k]; [reflexivity|]. rewrite !binomial_beyond by lia. lia.
  - change (binomial (S (S n)) (S k)) with (binomial (S n) k + binomial (S n) (S k)).
    pose proof (IH k) as Hk. destruct k as [|k].
    + rewrite !binomial_0 in *. lia.
    + pose proof (IH k) as Hk'.
      change (binomial (S n) (S k)) with (binomial n k + binomial n (S k)) in *. nia.
Qed.

Lemma binomial_next : forall n, binomial (S n) n = S n.
Proof.
  induction n as [|n IH]; [reflexivity|].
  change (binomial (S (S n)) (S n)) with (binomial (S n) n + binomial (S n) (S n)).
  rewrite IH, binomial_all. lia.
Qed.

(** ** Few lags are near *)

(** At most C(k + L, L) of the lags 0..m take at most k coins. *)
Lemma few_are_near : forall D m k (c : nat -> nat),
  (forall n, n <= m -> fewest D n (c n)) ->
  number (fun n => c n <=? k) (seq 0 (S m)) <= binomial (k + length D) (length D).
Proof.
  intros D m k c Hc. rewrite <- (length_sums D k 0). apply number_at_most; [apply seq_NoDup|].
  intros n Hn Hnear. apply in_seq in Hn. apply Nat.leb_le in Hnear.
  destruct (Hc n ltac:(lia)) as [[ks [[Hlen Hval] Hsum]] _].
  (* the coins that are missing up to k are worth 0 *)
  pose proof (paid_is_a_sum (0 :: D) ((k - list_sum ks) :: ks)) as Hin.
  specialize (Hin ltac:(simpl; congruence)).
  rewrite list_sum_cons in Hin. replace (k - list_sum ks + list_sum ks) with k in Hin by lia.
  replace n with (value (0 :: D) ((k - list_sum ks) :: ks)) by (simpl; lia). exact Hin.
Qed.

(** (K + 1)(m + 1) - C(K + L + 1, L + 1) coins at least, for every K. *)
Lemma coins_at_least : forall D m K (c : nat -> nat),
  (forall n, n <= m -> fewest D n (c n)) ->
  (K + 1) * (m + 1) <= list_sum (map c (seq 0 (S m)))
    + binomial (K + length D + 1) (length D + 1).
Proof.
  intros D m K c Hc. rewrite <- hockey_stick.
  pose proof (sum_by_levels c (K + 1) (seq 0 (S m))) as Hlevels.
  enough (H : forall J, J * (m + 1) <=
    list_sum (map (fun j => number (fun n => j <? c n) (seq 0 (S m))) (seq 0 J))
    + list_sum (map (fun k => binomial (k + length D) (length D)) (seq 0 J)))
    by (specialize (H (K + 1)); lia).
  induction J as [|J IH]; [simpl; lia|].
  rewrite (seq_S J 0), !map_app, !list_sum_app. cbn [map]. rewrite !list_sum_cons.
  change (0 + J) with J. change (list_sum []) with 0. cbv beta.
  pose proof (few_are_near D m J c Hc) as Hfew.
  pose proof (number_not (fun n => c n <=? J) (seq 0 (S m))) as Hnot. rewrite seq_length in Hnot.
  rewrite (number_ext (fun n => negb (c n <=? J)) (fun n => J <? c n)) in Hnot; [lia|].
  intros n _. rewrite Nat.leb_antisym. apply negb_involutive.
Qed.

(** The lag 0 takes no coins. *)
Lemma with_lag_0 : forall D m (c : nat -> nat),
  (forall n, 1 <= n <= m -> fewest D n (c n)) ->
  let c' := fun n => match n with 0 => 0 | S _ => c n end in
  (forall n, n <= m -> fewest D n (c' n)) /\
  list_sum (map c' (seq 0 (S m))) = list_sum (map c (seq 1 m)).
Proof.
  intros D m c Hc c'. split.
  - intros [|n] Hn; [|apply Hc; lia]. destruct (no_coins D) as [Hpays Hsum].
    split; [eauto | intros; apply Nat.le_0_l].
  - change (seq 0 (S m)) with (0 :: seq 1 m). rewrite map_cons, list_sum_cons. simpl plus.
    f_equal. apply map_ext_in. intros n Hn. apply in_seq in Hn. now destruct n; [lia|].
Qed.

(** ** The theorem *)

Definition counting_mean (L m K : nat) : Q :=
  (Qnat L + (Qnat ((K + 1) * (m + 1)) - Qnat (binomial (K + L + 1) (L + 1))) / Qnat m)%Q.
Arguments counting_mean (L m K)%nat_scope.

(** If every lag up to m takes at most k recurrent edges, C(k + L, L) is m + 1 at least: the
    postage stamp problem's bound. *)
Theorem postage_stamp_bound : forall (D : stack) (m k : nat),
  (forall n, 1 <= n <= m -> exists d, is_worst_distance D n d /\ d <= length D + k) ->
  m + 1 <= binomial (k + length D) (length D).
Proof.
  intros D m k Hall.
  assert (Hex : forall n, 1 <= n <= m -> exists c, fewest D n c /\ c <= k).
  { intros n Hn. destruct (Hall n Hn) as [d [[[t Ht] _] Hle]].
    apply distance_by_coins in Ht as [Hd Hfew]. exists (d - length D). split; [assumption | lia]. }
  assert (Hc : exists c, forall n, 1 <= n <= m -> fewest D n (c n) /\ c n <= k).
  { clear Hall. induction m as [|m IH]; [exists (fun _ => 0); intros; lia|].
    destruct IH as [c Hc]; [intros n Hn; apply Hex; lia|].
    destruct (Hex (S m) ltac:(lia)) as [x Hx].
    exists (fun n => if n =? S m then x else c n). intros n Hn.
    destruct (Nat.eqb_spec n (S m)) as [->|]; [assumption | apply Hc; lia]. }
  destruct Hc as [c Hc].
  destruct (with_lag_0 D m c (fun n Hn => proj1 (Hc n Hn))) as [Hc' _].
  pose proof (few_are_near D m k _ Hc') as Hfew.
  rewrite (number_ext _ (fun _ => true)) in Hfew.
  - assert (Htrue : forall ls, number (fun _ => true) ls = length ls).
    { induction ls as [|n ls IH]; [reflexivity|]. rewrite number_cons, IH. reflexivity. }
    rewrite Htrue, seq_length in Hfew. lia.
  - intros n Hn. apply in_seq in Hn. apply Nat.leb_le. destruct n as [|n]; [lia|]. apply Hc. lia.
Qed.

Theorem counting_bound : forall (L m K : nat), 1 <= m ->
  (forall D q, length D = L -> is_mean_recurrent_length D m q -> (counting_mean L m K <= q)%Q) /\
  (binomial (K + L) L = m + 1 ->
    (counting_mean L m K == Qnat L + Qnat (m + 1) / Qnat m * (Qnat (K * L) / Qnat (L + 1)))%Q) /\
  is_mean_recurrent_length [1] m (counting_mean 1 m m) /\
  is_mean_recurrent_length (seq 1 m) m (counting_mean m m 1).
Proof.
  intros L m K Hm.
  assert (Hmean : forall (D : stack) K c, (forall n, 1 <= n <= m -> fewest D n (c n)) ->
    list_sum (map c (seq 1 m)) + binomial (K + length D + 1) (length D + 1)
      = (K + 1) * (m + 1) ->
    is_mean_recurrent_length D m (counting_mean (length D) m K)).
  { intros D K' c Hc Hsum. destruct (mean_of_coins D m c Hm Hc) as [d [Hd Heq]].
    exists d. split; [assumption|]. rewrite <- Heq. unfold counting_mean.
    rewrite <- Hsum, Qnat_add. field. apply Qnat_nonzero. lia. }
  split; [|split; [|split]].
  - intros D q <- Hq. destruct (coins_of_mean D m q Hm Hq) as [c [Hc ->]].
    destruct (with_lag_0 D m c Hc) as [Hc' Hsum].
    pose proof (coins_at_least D m K _ Hc') as Hle. rewrite Hsum in Hle.
    apply Qplus_le_r. apply Qmult_le_compat_r.
    + apply Qnat_le in Hle. rewrite Qnat_add in Hle.
      apply (Qplus_le_l _ _ (Qnat (binomial (K + length D + 1) (length D + 1)))).
      ring_simplify. rewrite Qplus_comm. exact Hle.
    + apply Qlt_le_weak, Qinv_lt_0_compat, Qnat_positive. lia.
  - intros Hfull. unfold counting_mean.
    pose proof (absorption (K + L) L) as Habs. rewrite Hfull in Habs.
    assert (Hq : (Qnat (L + 1) * Qnat (binomial (K + L + 1) (L + 1))
      == Qnat (K + L + 1) * Qnat (m + 1))%Q).
    { rewrite <- !Qnat_mul, Qnat_eq. rewrite !Nat.add_1_r in *. exact Habs. }
    assert (HL : ~ (Qnat (L + 1) == 0)%Q) by (apply Qnat_nonzero; lia).
    assert (Hmq : ~ (Qnat m == 0)%Q) by (apply Qnat_nonzero; lia).
    assert (Hb : (Qnat (binomial (K + L + 1) (L + 1))
      == Qnat (K + L + 1) * Qnat (m + 1) / Qnat (L + 1))%Q).
    { rewrite <- Hq. field. assumption. }
    rewrite Hb. rewrite !Qnat_mul. setoid_replace (Qnat (K + L + 1)) with (Qnat K + Qnat L + 1)%Q
      by (rewrite !Qnat_add; reflexivity).
    rewrite !Qnat_add in *. change (Qnat 1) with 1%Q in *. field. split; assumption.
  - apply (Hmean [1] m (fun n => n)).
    + intros n Hn. split.
      * exists [n]. unfold list_sum. repeat split; simpl; lia.
      * intros [|k [|? ?]] [Hlen Hval]; try discriminate. unfold list_sum. simpl in *. lia.
    + simpl length. rewrite map_id.
      assert (Hsum : forall k, 2 * list_sum (seq 1 k) = k * (k + 1)).
      { induction k as [|k IH]; [reflexivity|].
        rewrite seq_S, list_sum_app. change (list_sum [1 + k]) with (1 + k + 0). lia. }
      specialize (Hsum m). pose proof (absorption (m + 1) 1) as Habs.
      pose proof (absorption m 0) as Habs'. rewrite binomial_0 in Habs'.
      replace (m + 1 + 1) with (S (m + 1)) by lia. replace (m + 1) with (S m) in * by lia.
      simpl (1 + 1). lia.
  - pose proof (Hmean (seq 1 m) 1 (fun _ => 1)) as Hunit. rewrite seq_length in Hunit. apply Hunit.
    + intros n Hn. split.
      * destruct (counts_of_coins (seq 1 m) [n]) as [ks [Hpays Hone]].
        { intros x [<-|[]]. apply in_seq. lia. }
        change (list_sum [n]) with (n + 0) in Hpays. rewrite Nat.add_0_r in Hpays.
        exists ks. split; [exact Hpays | exact Hone].
      * intros js [Hlen Hval]. destruct (list_sum js) eqn:H0; [|lia].
        rewrite (value_of_no_coins (seq 1 m) js H0) in Hval. lia.
    + assert (Hones : forall k a, list_sum (map (fun _ => 1) (seq a k)) = k).
      { induction k as [|k IH]; intros a; [reflexivity|]. cbn [seq map].
        rewrite list_sum_cons, IH. reflexivity. }
      rewrite Hones. replace (1 + m + 1) with (S (m + 1)) by lia. rewrite binomial_next. lia.
Qed.

(** ** Examples *)

(** Two layers over the lags 1..5, C(2 + 2, 2) = 6: a mean of 3.6 at least. *)
Example two_layers : (counting_mean 2 5 2 == 18 # 5)%Q.
Proof. reflexivity. Qed.

Print Assumptions counting_bound.
Print Assumptions postage_stamp_bound.
