(** * The fewest coins are eventually periodic

    Let a be the largest dilation of a stack and b the second largest.  For n > (a - 1) * b the
    lag n can be reached exactly if n - a can, and the shortest path is longer by one edge.  If all
    dilations are equal to a, this holds for n >= a.  Repeated k times it leads down to (a - 1) * b
    or less.  With the dilations a - 1 and a, a >= 3, it fails at n = (a - 1) * b.

    Among any a coins there are some, one at least, whose sum is a multiple of a (two of the a + 1
    prefix sums agree modulo a).  If none of them is worth more than a, they can be replaced by no
    more coins of value a.  Hence every payment of n > (a - 1) * b can be made to contain a coin of
    value a, at no cost. *)
(* Theorem object: eventual_periodicity *)

From Coq Require Import Arith List Lia QArith.
From drnn_theory Require Import stack brute_force fewest_coins.
Import ListNotations.
Open Scope nat_scope.

(** ** The pigeonhole *)

(** Is a value taken among f 0, .., f (n-1)? *)
Lemma value_taken : forall (f : nat -> nat) v n,
  (exists i, i < n /\ f i = v) \/ (forall i, i < n -> f i <> v).
Proof.
  intros f v. induction n as [|n [[i [Hi Hv]]|IH]].
  - right. lia.
  - left. exists i. split; [lia | assumption].
  - destruct (Nat.eq_dec (f n) v) as [Hv|Hv].
    + left. exists n. split; [lia | assumption].
    + right. intros i Hi. destruct (Nat.eq_dec i n) as [->|]; [assumption | apply IH; lia].
Qed.

(** a + 1 numbers below a: two of them agree. *)
Lemma pigeonhole : forall a (f : nat -> nat),
  (forall i, i <= a -> f i < a) -> exists i j, i < j <= a /\ f i = f j.
Proof.
  induction a as [|a IH]; intros f Hf; [specialize (Hf 0); lia|].
  destruct (value_taken f (f (S a)) (S a)) as [[i [Hi Heq]]|Hfresh].
  - exists i, (S a). split; [lia | assumption].
  - (* f (a+1) is taken nowhere else: let it stand in wherever f is a *)
    destruct (IH (fun i => if f i =? a then f (S a) else f i)) as [i [j [Hij Heq]]].
    + intros i Hi. pose proof (Hf i ltac:(lia)). pose proof (Hf (S a) ltac:(lia)).
      pose proof (Hfresh i ltac:(lia)). destruct (Nat.eqb_spec (f i) a); lia.
    + exists i, j. split; [lia|].
      pose proof (Hfresh i ltac:(lia)). pose proof (Hfresh j ltac:(lia)).
      destruct (Nat.eqb_spec (f i) a), (Nat.eqb_spec (f j) a); lia.
Qed.

(** Equal remainders differ by a multiple. *)
Lemma equal_remainders : forall a x y, 0 < a -> x mod a = (x + y) mod a -> Nat.divide a y.
Proof.
  intros a x y Ha Heq. exists ((x + y) / a - x / a).
  pose proof (Nat.div_mod x a ltac:(lia)). pose proof (Nat.div_mod (x + y) a ltac:(lia)).
  rewrite Nat.mul_sub_distr_r. lia.
Qed.

(** Among a coins or more, some neighbours have a sum that a divides. *)
Lemma divisible_block : forall a cs, 0 < a -> a <= length cs ->
  exists before block after,
    cs = before ++ block ++ after /\ block <> [] /\ Nat.divide a (list_sum block).
Proof.
  intros a cs Ha Hlen.
  destruct (pigeonhole a (fun i => list_sum (firstn i cs) mod a)) as [i [j [Hij Heq]]].
  { intros i _. apply Nat.mod_upper_bound. lia. }
  exists (firstn i cs), (skipn i (firstn j cs)), (skipn j cs).
  assert (Hj : firstn j cs = firstn i cs ++ skipn i (firstn j cs)).
  { rewrite <- (firstn_skipn i (firstn j cs)) at 1. rewrite firstn_firstn, Nat.min_l by lia.
    reflexivity. }
  split; [|split].
  - now rewrite app_assoc, <- Hj, firstn_skipn.
  - intros Hnil. apply (f_equal (@length nat)) in Hnil.
    rewrite skipn_length, firstn_length in Hnil. simpl in Hnil. lia.
  - apply (equal_remainders a (list_sum (firstn i cs))); [assumption|].
    rewrite <- list_sum_app, <- Hj. exact Heq.
Qed.

(** ** Payments as lists of coins *)

(** The coins in hand: a list whose members are dilations of the stack. *)
Lemma coins_of_counts : forall D ks, length ks = length D ->
  exists cs, incl cs D /\ list_sum cs = value D ks /\ length cs = list_sum ks.
Proof.
  induction D as [|s D IH]; intros [|k ks] Hlen; simpl in Hlen; try discriminate.
  - exists []. repeat split. intros c [].
  - destruct (IH ks ltac:(congruence)) as [cs [Hin [Hsum Hnum]]].
    exists (repeat s k ++ cs). split; [|split].
    + apply incl_app; [|now apply incl_tl]. intros c Hc. apply repeat_spec in Hc. now left.
    + rewrite list_sum_app, Hsum. simpl. f_equal. clear.
      unfold list_sum. induction k; simpl; lia.
    + rewrite app_length, repeat_length, Hnum. reflexivity.
Qed.

(** Coins in hand can be counted. *)
Lemma counts_of_coins : forall D cs, incl cs D ->
  exists ks, pays D ks (list_sum cs) /\ list_sum ks = length cs.
Proof.
  intros D. induction cs as [|c cs IH]; intros Hin.
  - exists (repeat 0 (length D)). split; [split; [apply repeat_length|]|].
    + clear. induction D; simpl; auto.
    + clear. unfold list_sum. induction (length D); simpl; auto.
  - apply incl_cons_inv in Hin as [Hc Hcs]. destruct (IH Hcs) as [ks [[Hlen Hval] Hnum]].
    apply In_nth_error in Hc as [i Hi].
    assert (i < length ks) by (rewrite Hlen; apply nth_error_Some; congruence).
    exists (add_coin i ks). split; [split|].
    + now rewrite length_add_coin.
    + rewrite (value_add_coin D ks i c), Hval by assumption. reflexivity.
    + rewrite sum_add_coin, Hnum by assumption. reflexivity.
Qed.

(** ** The exchange *)

(** Coins no larger than b sum to no more than b times their number. *)
Lemma sum_at_most : forall b cs,
  (forall c, In c cs -> c <= b) -> list_sum cs <= b * length cs.
Proof.
  intros b. unfold list_sum. induction cs as [|c cs IH]; intros H; simpl; [lia|].
  pose proof (H c (or_introl eq_refl)). specialize (IH (fun c' Hc => H c' (or_intror Hc))). lia.
Qed.

(** Positive coins, one at least, have a positive sum. *)
Lemma sum_positive : forall cs,
  cs <> [] -> (forall c, In c cs -> 0 < c) -> 0 < list_sum cs.
Proof.
  intros [|c cs] Hne Hpos; [congruence|].
  pose proof (Hpos c (or_introl eq_refl)). unfold list_sum. simpl. lia.
Qed.

(** Equal coins. *)
Lemma sum_of_repeat : forall a k, list_sum (repeat a k) = k * a.
Proof. intros a. unfold list_sum. induction k; simpl; lia. Qed.

(** From coins whose sum is beyond (a - 1) * b, a coin of value a can be taken away, after an
    exchange that makes them no more. *)
Lemma exchange : forall D a b cs,
  positive D -> In a D -> (forall s, In s D -> s = a \/ s <= b) -> b <= a ->
  incl cs D -> (a - 1) * b < list_sum cs ->
  exists cs', incl cs' D /\ list_sum cs' + a = list_sum cs /\ length cs' + 1 <= length cs.
Proof.
  intros D a b cs Hpos Ha Hb Hba Hin Hlarge.
  unfold positive in Hpos. rewrite Forall_forall in Hpos.
  destruct (in_dec Nat.eq_dec a cs) as [Hac|Hac].
  - apply in_split in Hac as [before [after ->]]. exists (before ++ after). split; [|split].
    + intros c Hc. apply Hin. apply in_app_or in Hc. apply in_or_app. simpl. tauto.
    + rewrite !list_sum_app. simpl. unfold list_sum. lia.
    + rewrite !app_length. simpl. lia.
  - assert (Hsmall : forall c, In c cs -> c <= b).
    { intros c Hc. destruct (Hb c (Hin c Hc)) as [->|]; [contradiction | assumption]. }
    assert (Hmany : a <= length cs).
    { pose proof (sum_at_most b cs Hsmall).
      destruct (Nat.le_gt_cases a (length cs)) as [|Hfew]; [assumption|].
      assert (length cs * b <= (a - 1) * b) by (apply Nat.mul_le_mono_r; lia). lia. }
    destruct (divisible_block a cs (Hpos a Ha) Hmany)
      as [before [block [after [-> [Hne [k Hk]]]]]].
    assert (Hk0 : 0 < k).
    { assert (0 < list_sum block); [|destruct k; lia].
      apply sum_positive; [assumption|]. intros c Hc. apply Hpos, Hin.
      rewrite !in_app_iff. auto. }
    assert (Hfewer : k <= length block).
    { assert (Hblock : list_sum block <= a * length block).
      { apply sum_at_most. intros c Hc. transitivity b; [|assumption].
        apply Hsmall. rewrite !in_app_iff. auto. }
      apply (Nat.mul_le_mono_pos_r _ _ a); [now apply Hpos | lia]. }
    exists (repeat a (k - 1) ++ before ++ after). split; [|split].
    + intros c Hc. rewrite !in_app_iff in Hc. destruct Hc as [Hc|Hc].
      * apply repeat_spec in Hc as ->. assumption.
      * apply Hin. rewrite !in_app_iff. tauto.
    + rewrite !list_sum_app, sum_of_repeat, Hk.
      destruct k as [|k]; [lia|]. replace (S k - 1) with k by lia. simpl. lia.
    + rewrite !app_length, repeat_length. lia.
Qed.

(** The same for payments. *)
Lemma pay_less : forall D a b ks n,
  positive D -> In a D -> (forall s, In s D -> s = a \/ s <= b) -> b <= a ->
  (a - 1) * b < n -> pays D ks n ->
  exists ks', pays D ks' (n - a) /\ list_sum ks' + 1 <= list_sum ks.
Proof.
  intros D a b ks n Hpos Ha Hb Hba Hn [Hlen Hval].
  destruct (coins_of_counts D ks Hlen) as [cs [Hin [Hsum Hnum]]].
  destruct (exchange D a b cs) as [cs' [Hin' [Hsum' Hnum']]]; auto; [lia|].
  destruct (counts_of_coins D cs' Hin') as [ks' [Hpays Hks']].
  exists ks'. split; [|lia]. now replace (n - a) with (list_sum cs') by lia.
Qed.

(** One coin of value a more. *)
Lemma pay_more : forall D a ks n, In a D -> pays D ks n ->
  exists ks', pays D ks' (n + a) /\ list_sum ks' = list_sum ks + 1.
Proof.
  intros D a ks n Ha [Hlen Hval]. apply In_nth_error in Ha as [i Hi].
  assert (i < length ks) by (rewrite Hlen; apply nth_error_Some; congruence).
  exists (add_coin i ks). split; [split|].
  - now rewrite length_add_coin.
  - rewrite (value_add_coin D ks i a), Hval by assumption. lia.
  - rewrite sum_add_coin by assumption. lia.
Qed.

(** ** The theorem *)

(** n can be paid exactly if n - a can, and the fewest coins differ by one. *)
Definition periodic_at (D : stack) (a n : nat) : Prop :=
  (payable D n <-> payable D (n - a)) /\
  (forall k, fewest D n k <-> exists k', k = k' + 1 /\ fewest D (n - a) k').

(** Both cases at once: b bounds all dilations but a. *)
Lemma periodic_beyond : forall D a b n,
  positive D -> In a D -> (forall s, In s D -> s = a \/ s <= b) -> b <= a ->
  a <= n -> (a - 1) * b < n -> periodic_at D a n.
Proof.
  intros D a b n Hpos Ha Hb Hba Han Hn.
  assert (Hless : forall ks, pays D ks n ->
    exists ks', pays D ks' (n - a) /\ list_sum ks' + 1 <= list_sum ks)
    by (intros; eapply pay_less; eauto).
  assert (Hmore : forall ks, pays D ks (n - a) ->
    exists ks', pays D ks' n /\ list_sum ks' = list_sum ks + 1).
  { intros ks Hks. destruct (pay_more D a ks (n - a) Ha Hks) as [ks' [Hks' Hsum]].
    replace (n - a + a) with n in Hks' by lia. eauto. }
  split; [split|split].
  - intros [ks Hks]. destruct (Hless ks Hks) as [ks' [Hks' _]]. now exists ks'.
  - intros [ks Hks]. destruct (Hmore ks Hks) as [ks' [Hks' _]]. now exists ks'.
  - intros [[ks [Hks Hsum]] Hmin]. destruct (Hless ks Hks) as [ks' [Hks' Hle]].
    destruct (Hmore ks' Hks') as [ks'' [Hks'' Hsum'']]. pose proof (Hmin ks'' Hks'').
    exists (list_sum ks'). split; [lia|]. split; [now exists ks'|].
    intros js Hjs. destruct (Hmore js Hjs) as [js' [Hjs' Hsum']].
    specialize (Hmin js' Hjs'). lia.
  - intros [k' [-> [[ks [Hks Hsum]] Hmin]]]. split.
    + destruct (Hmore ks Hks) as [ks' [Hks' Hsum']]. exists ks'. split; [assumption | lia].
    + intros js Hjs. destruct (Hless js Hjs) as [js' [Hjs' Hle]].
      specialize (Hmin js' Hjs'). lia.
Qed.

(** With a the largest dilation and b the second largest, from (a - 1) * b + 1 on. *)
Lemma periodic_with_two : forall D a b n,
  positive D -> In a D -> In b D -> b < a -> (forall s, In s D -> s = a \/ s <= b) ->
  (a - 1) * b < n -> periodic_at D a n.
Proof.
  intros D a b n Hpos Ha Hb Hba Hall Hn. apply (periodic_beyond D a b); auto; [lia|].
  assert (0 < b) by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto).
  assert ((a - 1) * 1 <= (a - 1) * b) by (apply Nat.mul_le_mono_l; lia). lia.
Qed.

(** With but one dilation, from a on. *)
Lemma periodic_with_one : forall D a n,
  positive D -> In a D -> (forall s, In s D -> s = a) -> a <= n -> periodic_at D a n.
Proof.
  intros D a n Hpos Ha Hall Hn. apply (periodic_beyond D a 0); auto; [lia|].
  assert (0 < a) by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto). lia.
Qed.

(** The same for path lengths: d(n) = d(n - a) + 1, unreachable lags included. *)
Corollary periodic_distance : forall D a n, periodic_at D a n -> forall t m,
  is_distance D (t, 0) (t + n, length D) m <->
  exists m', m = m' + 1 /\ is_distance D (t, 0) (t + (n - a), length D) m'.
Proof.
  intros D a n [_ Hper] t m. rewrite distance_by_coins, Hper. split.
  - intros [Hm [k [Hk Hfew]]]. exists (length D + k). split; [lia|].
    now apply fewest_coins_distance.
  - intros [m' [-> Hm']]. apply distance_by_coins in Hm' as [Hle Hfew].
    split; [lia|]. exists (m' - length D). split; [lia | assumption].
Qed.

(** d(n) = d(n - k a) + k, unreachable lags included. *)
Definition repeats (D : stack) (a k n : nat) : Prop :=
  k * a <= n /\
  forall t m, is_distance D (t, 0) (t + n, length D) m <->
    exists m', m = m' + k /\ is_distance D (t, 0) (t + (n - k * a), length D) m'.

(** One period after the other, as long as the lag is beyond K. *)
Lemma repeated_periods : forall D a K,
  a <= K + 1 -> (forall n, K < n -> periodic_at D a n) ->
  forall k n, K + k * a < n + a -> repeats D a k n.
Proof.
  intros D a K HK Hper. induction k as [|k IH]; intros n Hn.
  - split; [lia|]. intros t m. simpl. rewrite Nat.sub_0_r. split.
    + intros H. exists m. split; [lia | assumption].
    + intros [m' [-> H]]. now rewrite Nat.add_0_r.
  - simpl in Hn. assert (HKn : K < n) by lia. destruct (IH (n - a) ltac:(lia)) as [Hle Hrep].
    split; [simpl; lia|]. intros t m. rewrite (periodic_distance D a n (Hper n HKn)).
    replace (n - S k * a) with (n - a - k * a) by (simpl; lia). split.
    + intros [m' [-> H]]. apply Hrep in H as [m'' [-> H]]. exists m''. split; [lia | assumption].
    + intros [m' [-> H]]. exists (m' + k). split; [lia|]. apply Hrep. now exists m'.
Qed.

(** ** The certificate *)

(** [n] can be paid with at most [k] coins. *)
Definition reaches (D : stack) (n k : nat) : Prop :=
  exists cs, incl cs D /\ list_sum cs = n /\ length cs <= k.

Lemma reaches_pays : forall D n k,
  reaches D n k <-> exists ks, pays D ks n /\ list_sum ks <= k.
Proof.
  intros D n k. split.
  - intros [cs [Hin [<- Hlen]]]. destruct (counts_of_coins D cs Hin) as [ks [Hks Hnum]].
    exists ks. split; [assumption | lia].
  - intros [ks [[Hlen <-] Hle]]. destruct (coins_of_counts D ks Hlen) as [cs [Hin [Hsum Hnum]]].
    exists cs. repeat split; [assumption | assumption | lia].
Qed.

Lemma reaches_more : forall D n k k', k <= k' -> reaches D n k -> reaches D n k'.
Proof. intros D n k k' Hk [cs [Hin [Hsum Hlen]]]. exists cs. repeat split; auto. lia. Qed.

Lemma reaches_0 : forall D n, reaches D n 0 -> n = 0.
Proof. intros D n [[|c cs] [_ [<- Hlen]]]; [reflexivity | simpl in Hlen; lia]. Qed.

(** The last coin. *)
Lemma reaches_step : forall D n k, 0 < n ->
  (reaches D n (S k) <-> exists s, In s D /\ s <= n /\ reaches D (n - s) k).
Proof.
  intros D n k Hn. split.
  - intros [[|c cs] [Hin [Hsum Hlen]]]; unfold list_sum in Hsum; simpl in Hsum, Hlen; [lia|].
    exists c. split; [apply Hin; now left|]. split; [lia|].
    exists cs. split; [intros x Hx; apply Hin; now right|]. unfold list_sum. split; lia.
  - intros [s [Hs [Hle [cs [Hin [Hsum Hlen]]]]]]. exists (s :: cs).
    split; [intros x [<-|Hx]; auto|]. unfold list_sum in *. simpl. split; lia.
Qed.

Lemma fewest_reaches : forall D n k,
  fewest D n k <-> reaches D n k /\ forall j, reaches D n j -> k <= j.
Proof.
  intros D n k. split.
  - intros [[ks [Hks Hsum]] Hmin]. split; [apply reaches_pays; exists ks; split; [auto | lia]|].
    intros j Hj. apply reaches_pays in Hj as [js [Hjs Hle]]. specialize (Hmin js Hjs). lia.
  - intros [Hk Hmin]. apply reaches_pays in Hk as [ks [Hks Hle]].
    assert (Hleast : forall js, pays D js n -> k <= list_sum js)
      by (intros js Hjs; apply Hmin, reaches_pays; eauto).
    split; [|assumption]. exists ks. split; [assumption|]. specialize (Hleast ks Hks). lia.
Qed.

Lemma periodic_of_reaches : forall D a n, 0 < n ->
  (forall k, reaches D n (S k) <-> reaches D (n - a) k) -> periodic_at D a n.
Proof.
  intros D a n Hn Hiff.
  assert (Hpay : forall x, payable D x <-> exists k, reaches D x k).
  { intros x. split.
    - intros [ks Hks]. exists (list_sum ks). apply reaches_pays. eauto.
    - intros [k Hk]. apply reaches_pays in Hk as [ks [Hks _]]. now exists ks. }
  split.
  - rewrite !Hpay. split; intros [k Hk].
    + exists k. apply Hiff. apply (reaches_more D n k); [lia | assumption].
    + exists (S k). now apply Hiff.
  - intros k. rewrite fewest_reaches. split.
    + intros [Hk Hmin]. destruct k as [|k]; [apply reaches_0 in Hk; lia|].
      exists k. split; [lia|]. apply fewest_reaches. split; [now apply Hiff|].
      intros j Hj. apply Hiff in Hj. specialize (Hmin _ Hj). lia.
    + intros [k' [-> Hk']]. apply fewest_reaches in Hk' as [Hk' Hmin].
      rewrite Nat.add_1_r. split; [now apply Hiff|].
      intros [|j] Hj; [apply reaches_0 in Hj; lia|]. apply Hiff in Hj. specialize (Hmin _ Hj). lia.
Qed.

Lemma reaches_of_periodic : forall D a n, positive D -> periodic_at D a n ->
  forall k, reaches D n (S k) <-> reaches D (n - a) k.
Proof.
  intros D a n Hpos [Hpay Hfew] k.
  assert (Hleast : forall x j, reaches D x j -> exists i, fewest D x i /\ i <= j).
  { intros x j Hj. destruct (fewest_exists D x Hpos) as [i Hi].
    - apply reaches_pays in Hj as [ks [Hks _]]. now exists ks.
    - exists i. split; [assumption|]. apply fewest_reaches in Hi as [_ Hmin]. auto. }
  split; intros Hk; destruct (Hleast _ _ Hk) as [i [Hi Hle]].
  - apply Hfew in Hi as [i' [-> Hi']]. apply fewest_reaches in Hi' as [Hi' _].
    apply (reaches_more D _ i'); [lia | assumption].
  - assert (Hn : fewest D n (i + 1)) by (apply Hfew; eauto).
    apply fewest_reaches in Hn as [Hn _]. apply (reaches_more D _ (i + 1)); [lia | assumption].
Qed.

(** What holds on a consecutive lags holds for ever: the lengths of a lags decide the next one. *)
Theorem periodicity_certificate : forall (D : stack) (a N : nat),
  positive D -> (forall s, In s D -> s <= a) -> a <= N + 1 ->
  (forall n, N < n <= N + a -> periodic_at D a n) ->
  forall n, N < n -> periodic_at D a n.
Proof.
  intros D a N Hpos Hmax HN Hwindow n.
  assert (Hmin : forall s, In s D -> 0 < s)
    by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto).
  induction n as [n IH] using lt_wf_ind. intros Hn.
  destruct (Nat.le_gt_cases n (N + a)) as [Hle|Hgt]; [apply Hwindow; lia|].
  apply periodic_of_reaches; [lia|]. intros [|k].
  - split; intros H.
    + apply reaches_step in H as [s [Hs [Hsn H]]]; [|lia]. apply reaches_0 in H.
      specialize (Hmax s Hs). lia.
    + apply reaches_0 in H. lia.
  - rewrite !reaches_step by lia. split; intros [s [Hs [Hsn H]]];
      pose proof (Hmax s Hs); pose proof (Hmin s Hs); exists s; (split; [assumption|]);
      (split; [lia|]).
    + apply (reaches_of_periodic D a (n - s) Hpos (IH (n - s) ltac:(lia) ltac:(lia))) in H.
      now replace (n - a - s) with (n - s - a) by lia.
    + apply (reaches_of_periodic D a (n - s) Hpos (IH (n - s) ltac:(lia) ltac:(lia))).
      now replace (n - s - a) with (n - a - s) by lia.
Qed.

(** L + n/s at least, and at most as much as for the rest of n by s more than n/s rounded down. *)
Theorem linear_bounds : forall (D : stack) (s n k r : nat),
  positive D -> In s D -> (forall x, In x D -> x <= s) ->
  fewest D n k -> fewest D (n mod s) r ->
  n <= s * k /\ k <= n / s + r.
Proof.
  intros D s n k r Hpos Hs Hmax Hk Hr. split.
  - apply fewest_reaches in Hk as [[cs [Hin [<- Hlen]]] _].
    assert (list_sum cs <= s * length cs) by (apply sum_at_most; intros c Hc; auto). nia.
  - assert (0 < s) by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto).
    apply fewest_reaches in Hk as [_ Hmin]. apply fewest_reaches in Hr as [[cs [Hin [Hsum Hlen]]] _].
    apply Hmin. exists (repeat s (n / s) ++ cs). split; [|split].
    + apply incl_app; [|assumption]. intros c Hc. now apply repeat_spec in Hc as ->.
    + rewrite list_sum_app, sum_of_repeat, Hsum. pose proof (Nat.div_mod n s ltac:(lia)). lia.
    + rewrite app_length, repeat_length. lia.
Qed.

(** The bound is sharp: with the dilations a - 1 and a, for every a >= 3, the lag (a - 1)^2 can be
    reached, (a - 1)^2 - a cannot. *)
Theorem bound_is_sharp_always : forall a, 3 <= a ->
  ~ periodic_at [a - 1; a] a ((a - 1) * (a - 1)).
Proof.
  intros a Ha [[Hpay _] _]. set (b := a - 1) in *. assert (Hab : a = b + 1) by lia.
  assert (Hb : 2 <= b) by lia. clearbody b. subst a.
  destruct Hpay as [ks [Hlen Hval]].
  { exists [b; 0]. split; [reflexivity|]. simpl. lia. }
  destruct ks as [|x [|y [|? ?]]]; try discriminate. simpl in Hval.
  assert (Hv : x * b + y * (b + 1) + b + 1 = b * b) by nia.
  destruct (Nat.le_gt_cases b y) as [H|H]; [nia|].
  assert (Hd : b * (x + y + 1) + (y + 1) = b * b) by nia.
  destruct (Nat.le_gt_cases b (x + y + 1)) as [H'|H']; [nia|].
  assert (b * (x + y + 1) + b <= b * b) by nia.
  assert (y + 1 = b) by lia. assert (x + y + 2 = b) by nia. lia.
Qed.

(** With a the largest dilation and b the second largest, every n > K = (a - 1) * b repeats n - a,
    and so n - k * a for every k up to the quotient (n - K) / a rounded up; with but one dilation,
    every n >= a, with K = a - 1.  And this K cannot be lowered. *)
Theorem eventual_periodicity :
  (forall (D : stack) (a b : nat),
    positive D -> In a D -> In b D -> b < a -> (forall s, In s D -> s = a \/ s <= b) ->
    (forall n, (a - 1) * b < n -> periodic_at D a n) /\
    (forall n k, (a - 1) * b + k * a < n + a -> repeats D a k n)) /\
  (forall (D : stack) (a : nat),
    positive D -> In a D -> (forall s, In s D -> s = a) ->
    (forall n, a <= n -> periodic_at D a n) /\
    (forall n k, k * a <= n -> repeats D a k n)) /\
  (forall a, 3 <= a -> ~ periodic_at [a - 1; a] a ((a - 1) * (a - 1))).
Proof.
  split; [|split].
  - intros D a b Hpos Ha Hb Hba Hall.
    assert (Hper : forall n, (a - 1) * b < n -> periodic_at D a n)
      by (intros; now apply (periodic_with_two D a b)).
    split; [assumption|]. intros n k Hn. apply (repeated_periods D a ((a - 1) * b)); auto.
    assert (0 < b) by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto).
    assert ((a - 1) * 1 <= (a - 1) * b) by (apply Nat.mul_le_mono_l; lia). lia.
  - intros D a Hpos Ha Hall.
    assert (Hper : forall n, a <= n -> periodic_at D a n)
      by (intros; now apply (periodic_with_one D a)).
    split; [assumption|]. intros n k Hn.
    assert (0 < a) by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto).
    apply (repeated_periods D a (a - 1)); [lia | intros; apply Hper; lia | lia].
  - exact bound_is_sharp_always.
Qed.

(** ** Examples *)

(** Dilations 1, 5, 8: beyond 7 * 5 the fewest coins grow by one every 8 lags. *)
Example with_1_5_8 : forall n, 35 < n -> periodic_at [1; 5; 8] 8 n.
Proof.
  intros n Hn. apply (periodic_with_two [1; 5; 8] 8 5).
  - repeat constructor.
  - simpl. tauto.
  - simpl. tauto.
  - lia.
  - simpl. lia.
  - assumption.
Qed.

(** It is sharp for other pairs too: with dilations 5 and 8 the lag 35 = 7 * 5 can be reached, 27
    cannot. *)
Example bound_is_sharp : ~ periodic_at [5; 8] 8 35.
Proof.
  intros [[Hpay _] _]. assert (Hpos : positive [5; 8]) by repeat constructor.
  apply (proj2 (best_is_none [5; 8] 27 Hpos) eq_refl). apply Hpay. exists [7; 0]. now split.
Qed.

(** Dilations 4 and 8: beyond 7 * 4, unreachable lags stay unreachable. *)
Example unreachable_stays : map (best [4; 8]) [34; 26; 32; 24] = [None; None; Some 4; Some 3].
Proof. reflexivity. Qed.

(** One dilation, 3: the lags 3, 4, .. follow 0, 1, .. at once. *)
Example one_dilation : map (best [3]) (seq 0 7)
  = [Some 0; None; None; Some 1; None; None; Some 2].
Proof. reflexivity. Qed.

Print Assumptions eventual_periodicity.
