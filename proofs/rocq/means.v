(** * Mean recurrent lengths of stacks with one lag, two lags, and several lags in a layer

    The means are over the lags 1..m, and L is the number of layers.
    - Lag 1 alone: L + (m + 1)/2.
    - The lags 1 and m: L + (m - 1)/2 + 1/m.
    - The lags 1 and s, in whichever layers, at any m: with q = floor (m / s) and r = m mod s,
      L + (s q (q - 1)/2 + q s (s - 1)/2 + q (r + 1) + r (r + 1)/2) / m.
    - All lags 1..D in each layer, as in a NARX network, at any m: with q = floor (m / D) and
      r = m mod D, L + (q + 1) (D q / 2 + r) / m; and d(n) = L + ceil (n / D).
    - The lags 1, 2, .., 2^(B-1) = m in each layer, as in a MIST network: L + (B - 1)/2 + 1/m.
    - The lags 1 and 2^(l-1) in layer l, m = 2^(L-1): L + (L - 1)/2 + 1/m; and d(n) is that of the
      stack 1, 2, .., 2^(L-1) at every lag.
    - Whatever the lags, R of them in all: d(n) - L is the fewest coins whose values are the lags,
      in whichever layers they are, and the mean is at least
      L + ((K + 1)(m + 1) - C(K + R + 1, R + 1)) / m for every K. *)
(* Theorem objects: plain_stack_mean, skip_mean, two_lag_mean, narx_mean, mist_mean,
   per_layer_lags_mean, lags_per_layer *)

From Coq Require Import Arith List Lia QArith Qfield Lqa Permutation.
From drnn_theory Require Import stack brute_force fewest_coins eventual_periodicity
  divisor_chain_digits divisor_chain_mean theorem_3_1 counting counting_bound wide_stack.
Import ListNotations.
Open Scope nat_scope.

(** ** Sums over 1..m *)

Lemma sum_to_succ : forall (f : nat -> nat) m,
  list_sum (map f (seq 1 (S m))) = list_sum (map f (seq 1 m)) + f (S m).
Proof.
  intros f m. rewrite seq_S, map_app, list_sum_app. unfold list_sum. simpl. lia.
Qed.

(** Quotient and remainder of the next number. *)
Lemma next_quotient : forall m s, 0 < s ->
  (S (m mod s) < s /\ S m / s = m / s /\ S m mod s = S (m mod s)) \/
  (S (m mod s) = s /\ S m / s = S (m / s) /\ S m mod s = 0).
Proof.
  intros m s Hs. pose proof (Nat.mod_upper_bound m s ltac:(lia)) as Hless.
  pose proof (Nat.div_mod m s ltac:(lia)) as Hm.
  destruct (Nat.eq_dec (S (m mod s)) s) as [Heq|Hne].
  - right. assert (H : S m = s * S (m / s) + 0) by lia. split; [assumption|].
    split; symmetry; [apply (Nat.div_unique _ _ _ 0) | apply (Nat.mod_unique _ _ (S (m / s)))];
      lia.
  - left. split; [lia|]. split; symmetry;
      [apply (Nat.div_unique _ _ _ (S (m mod s))) | apply (Nat.mod_unique _ _ (m / s))]; lia.
Qed.

(** Half of a number that is given twice. *)
Lemma half : forall a b, 2 * a = b -> (Qnat a == Qnat b / 2)%Q.
Proof.
  intros a b <-. rewrite Qnat_mul. change (Qnat 2) with 2%Q. field.
Qed.

(** A member of a list of equal lists. *)
Lemma in_repeated : forall (lags : list nat) L s, 1 <= L ->
  (In s (concat (repeat lags L)) <-> In s lags).
Proof.
  intros lags L s HL. rewrite in_concat. split.
  - intros [x [Hx Hs]]. apply repeat_spec in Hx as ->. assumption.
  - intros Hs. exists lags. split; [|assumption]. destruct L; [lia | now left].
Qed.

(** ** Lag 1 alone *)

Theorem plain_stack_mean : forall L m, 1 <= L -> 1 <= m ->
  is_mean_recurrent_length (repeat 1 L) m (Qnat L + (Qnat m + 1) / 2)%Q.
Proof.
  intros L m HL Hm.
  assert (Hsame : forall s, In s [1] <-> In s (repeat 1 L)).
  { intros s. split; [intros [<-|[]]; destruct L; [lia | now left]|].
    intros Hs. apply repeat_spec in Hs as ->. now left. }
  assert (Hone : forall n, fewest [1] n n).
  { intros n. split.
    - exists [n]. unfold list_sum. repeat split; simpl; lia.
    - intros [|k [|? ?]] [Hlen Hval]; try discriminate. unfold list_sum. simpl in *. lia. }
  destruct (mean_of_coins (repeat 1 L) m (fun n => n) Hm) as [d [Hd Heq]].
  { intros n _. apply (fewest_of_same_lags [1]); auto. }
  exists d. split; [assumption|]. rewrite <- Heq, repeat_length.
  assert (Hsum : 2 * list_sum (map (fun n => n) (seq 1 m)) = m * (m + 1)).
  { clear. induction m as [|m IH]; [reflexivity|]. rewrite sum_to_succ. lia. }
  rewrite (half _ _ Hsum), Qnat_mul, Qnat_add. change (Qnat 1) with 1%Q. field.
  apply Qnat_nonzero. lia.
Qed.

(** ** Two lags *)

Lemma two_coins : forall s n, 1 <= s -> fewest [1; s] n (n / s + n mod s).
Proof.
  intros s n Hs. assert (Hchain : divisor_chain [1; s]).
  { repeat split; [repeat constructor; lia | exists s; lia]. }
  replace (n / s + n mod s) with (digit_sum [1; s] n); [now apply digits_are_fewest|].
  unfold digit_sum, digits, list_sum. cbn [fold_right]. rewrite !Nat.div_1_r. lia.
Qed.

Lemma sum_of_two_coins : forall s m, 1 <= s ->
  2 * list_sum (map (fun n => n / s + n mod s) (seq 1 m)) =
  s * (m / s) * (m / s - 1) + m / s * s * (s - 1)
    + 2 * (m / s) * (m mod s + 1) + m mod s * (m mod s + 1).
Proof.
  intros s m Hs. induction m as [|m IH].
  - rewrite Nat.div_0_l, Nat.mod_0_l by lia. simpl. lia.
  - rewrite sum_to_succ, Nat.mul_add_distr_l, IH. clear IH.
    destruct (next_quotient m s ltac:(lia)) as [[_ [-> ->]]|[Hr [-> ->]]].
    + set (q := m / s). set (r := m mod s). nia.
    + set (q := m / s) in *. set (r := m mod s) in *. replace s with (S r) by lia.
      replace (S r - 1) with r by lia. replace (S q - 1) with q by lia.
      destruct q as [|q]; [simpl; lia|]. replace (S q - 1) with q by lia. nia.
Qed.

Definition two_lag_value (L s m : nat) : Q :=
  let q := Qnat (m / s) in
  let r := Qnat (m mod s) in
  (Qnat L + (Qnat s * q * (q - 1) / 2 + q * Qnat s * (Qnat s - 1) / 2 + q * (r + 1)
    + r * (r + 1) / 2) / Qnat m)%Q.
Arguments two_lag_value (L s m)%nat_scope.

(** Products with a predecessor, as rationals. *)
Lemma Qnat_times_pred : forall a, (Qnat (a * (a - 1)) == Qnat a * (Qnat a - 1))%Q.
Proof.
  intros [|a]; [reflexivity|]. rewrite Qnat_mul, Qnat_pred by lia. reflexivity.
Qed.

Theorem two_lag_mean : forall (W : wide) (s m : nat), 1 <= s -> 1 <= m ->
  (forall x, In x (concat W) <-> x = 1 \/ x = s) ->
  is_wide_mean W m (two_lag_value (length W) s m).
Proof.
  intros W s m Hs Hm Hlags.
  destruct (wide_mean_of_coins W [1; s] m (fun n => n / s + n mod s) Hm) as [d [Hd Heq]].
  - intros x. rewrite Hlags. simpl. intuition.
  - intros n _. now apply two_coins.
  - exists d. split; [assumption|]. rewrite <- Heq. unfold two_lag_value. cbv zeta.
    rewrite (half _ _ (sum_of_two_coins s m Hs)).
    replace (s * (m / s) * (m / s - 1)) with (s * (m / s * (m / s - 1))) by lia.
    replace (m / s * s * (s - 1)) with (m / s * (s * (s - 1))) by lia.
    rewrite !Qnat_add, (Qnat_mul s), (Qnat_mul (m / s) (s * (s - 1))), !Qnat_times_pred.
    rewrite (Qnat_mul (2 * (m / s))), (Qnat_mul 2), (Qnat_mul (m mod s)), !Qnat_add.
    change (Qnat 1) with 1%Q. change (Qnat 2) with 2%Q. field. apply Qnat_nonzero. lia.
Qed.

Theorem skip_mean : forall L m, 1 <= L -> 1 <= m ->
  is_wide_mean (repeat [1; m] L) m (Qnat L + (Qnat m - 1) / 2 + 1 / Qnat m)%Q.
Proof.
  intros L m HL Hm. destruct (two_lag_mean (repeat [1; m] L) m m Hm Hm) as [d [Hd Heq]].
  - intros x. rewrite in_repeated by assumption. simpl. intuition.
  - exists d. split; [assumption|]. rewrite <- Heq. unfold two_lag_value. cbv zeta.
    rewrite repeat_length, Nat.div_same, Nat.mod_same by lia.
    change (Qnat 1) with 1%Q. change (Qnat 0) with 0%Q. field. apply Qnat_nonzero. lia.
Qed.

(** ** All lags 1..D *)

(** n coins of 1..D at most D each: n / D rounded up. *)
Lemma coins_up_to : forall D n, 1 <= D -> 1 <= n -> fewest (seq 1 D) n ((n - 1) / D + 1).
Proof.
  intros D n HD Hn. pose proof (Nat.div_mod (n - 1) D ltac:(lia)) as Hdiv.
  pose proof (Nat.mod_upper_bound (n - 1) D ltac:(lia)) as Hrest.
  apply fewest_reaches. split.
  - exists (repeat D ((n - 1) / D) ++ [(n - 1) mod D + 1]). split; [|split].
    + intros c Hc. apply in_seq. apply in_app_or in Hc as [Hc|[<-|[]]]; [|lia].
      apply repeat_spec in Hc as ->. lia.
    + rewrite list_sum_app, sum_of_repeat. unfold list_sum. simpl. nia.
    + rewrite app_length, repeat_length. simpl. lia.
  - intros j [cs [Hin [Hsum Hlen]]].
    pose proof (sum_at_most D cs) as Hmost. rewrite Hsum in Hmost.
    assert (n <= D * length cs) by (apply Hmost; intros c Hc; specialize (Hin c Hc);
      apply in_seq in Hin; lia).
    assert ((n - 1) / D < j); [|lia]. apply Nat.div_lt_upper_bound; [lia|]. nia.
Qed.

Lemma sum_of_coins_up_to : forall D m, 1 <= D ->
  2 * list_sum (map (fun n => (n - 1) / D + 1) (seq 1 m)) =
  (m / D + 1) * (D * (m / D) + 2 * (m mod D)).
Proof.
  intros D m HD. induction m as [|m IH].
  - rewrite Nat.div_0_l, Nat.mod_0_l by lia. simpl. lia.
  - rewrite sum_to_succ, Nat.mul_add_distr_l, IH. replace (S m - 1) with m by lia. clear IH.
    destruct (next_quotient m D ltac:(lia)) as [[_ [-> ->]]|[Hr [-> ->]]]; [lia|].
    set (q := m / D) in *. set (r := m mod D) in *. replace D with (S r) by lia. lia.
Qed.

Theorem narx_mean : forall (L D m : nat), 1 <= L -> 1 <= D -> 1 <= m ->
  let q := Qnat (m / D) in
  (forall n, 1 <= n -> is_wide_worst_distance (repeat (seq 1 D) L) n (L + ((n - 1) / D + 1))) /\
  is_wide_mean (repeat (seq 1 D) L) m
    (Qnat L + (q + 1) / Qnat m * (Qnat D * q / 2 + Qnat (m mod D)))%Q.
Proof.
  intros L D m HL HD Hm. cbv zeta.
  assert (Hsame : forall s, In s (concat (repeat (seq 1 D) L)) <-> In s (seq 1 D))
    by (intros; now apply in_repeated).
  split.
  - intros n Hn.
    assert (Hd : forall t, is_wide_distance (repeat (seq 1 D) L) (t, 0)
      (t + n, length (repeat (seq 1 D) L)) (L + ((n - 1) / D + 1))).
    { intros t. apply wide_distance_by_coins. rewrite repeat_length. split; [lia|].
      replace (L + ((n - 1) / D + 1) - L) with ((n - 1) / D + 1) by lia.
      apply (fewest_of_same_lags (seq 1 D)); [intros s; symmetry; apply Hsame|].
      now apply coins_up_to. }
    split; [exists 0; apply Hd|]. intros t. exists (L + ((n - 1) / D + 1)). split; [apply Hd | lia].
  - destruct (wide_mean_of_coins _ (seq 1 D) m (fun n => (n - 1) / D + 1) Hm Hsame)
      as [d [Hd Heq]].
    { intros n Hn. apply coins_up_to; lia. }
    exists d. split; [assumption|]. rewrite <- Heq, repeat_length.
    rewrite (half _ _ (sum_of_coins_up_to D m HD)).
    rewrite Qnat_mul, !Qnat_add, !Qnat_mul. change (Qnat 1) with 1%Q. change (Qnat 2) with 2%Q.
    field. apply Qnat_nonzero. lia.
Qed.

(** ** Powers of two *)

Lemma powers_mean : forall (W : wide) B, 1 <= B ->
  (forall s, In s (concat W) <-> In s (exponential B 2)) ->
  is_wide_mean W (2 ^ (B - 1))
    (Qnat (length W) + Qnat (B - 1) / 2 + 1 / Qnat (2 ^ (B - 1)))%Q.
Proof.
  intros W B HB Hsame.
  assert (Hm : 1 <= 2 ^ (B - 1)) by (apply Nat.neq_0_lt_0, Nat.pow_nonzero; lia).
  destruct (theorem_3_1 B 2 HB ltac:(lia)) as [_ [Hmean _]].
  destruct (wide_mean_of_stack W _ _ _ Hm Hsame Hmean) as [d [Hd Heq]].
  exists d. split; [assumption|]. rewrite <- Heq. unfold theorem_3_1.exponential_value, exponential.
  rewrite map_length, seq_length. change (Qnat 2) with 2%Q. field. apply Qnat_nonzero. lia.
Qed.

Theorem mist_mean : forall L B, 1 <= L -> 1 <= B ->
  is_wide_mean (repeat (exponential B 2) L) (2 ^ (B - 1))
    (Qnat L + Qnat (B - 1) / 2 + 1 / Qnat (2 ^ (B - 1)))%Q.
Proof.
  intros L B HL HB.
  pose proof (powers_mean (repeat (exponential B 2) L) B HB) as H. rewrite repeat_length in H.
  apply H. intros s. now apply in_repeated.
Qed.

Theorem per_layer_lags_mean : forall L, 1 <= L ->
  let W := map (fun s => [1; s]) (exponential L 2) in
  (forall t n d, is_wide_distance W (t, 0) (t + n, L) d <->
    is_distance (exponential L 2) (t, 0) (t + n, L) d) /\
  is_wide_mean W (2 ^ (L - 1)) (Qnat L + Qnat (L - 1) / 2 + 1 / Qnat (2 ^ (L - 1)))%Q.
Proof.
  intros L HL. cbv zeta. pose proof (powers_mean (map (fun s => [1; s]) (exponential L 2)) L HL) as H.
  assert (Hlen : length (exponential L 2) = L)
    by (unfold exponential; now rewrite map_length, seq_length).
  rewrite map_length, Hlen in H.
  assert (Hsame : forall s, In s (concat (map (fun s => [1; s]) (exponential L 2))) <->
    In s (exponential L 2)); [|split; [|now apply H]].
  2:{ intros t n d.
    pose proof (wide_distance_by_coins (map (fun s => [1; s]) (exponential L 2)) t n d) as Hwide.
    pose proof (distance_by_coins (exponential L 2) t n d) as Hstack.
    rewrite map_length, Hlen in Hwide. rewrite Hlen in Hstack. rewrite Hwide, Hstack.
    split; intros [Hle Hk]; (split; [assumption|]).
    - now apply (fewest_of_same_lags _ _ _ _ Hsame).
    - apply (fewest_of_same_lags (exponential L 2)); [|assumption]. intros s. symmetry. apply Hsame. }
  intros s. rewrite in_concat. split.
  - intros [x [Hx Hs]]. apply in_map_iff in Hx as [y [<- Hy]].
    destruct Hs as [<-|[<-|[]]]; [|assumption].
    unfold exponential. apply in_map_iff. exists 0. split; [reflexivity | apply in_seq; lia].
  - intros Hs. exists [1; s]. split; [now apply (in_map (fun x => [1; x])) | simpl; tauto].
Qed.

(** ** Whatever the lags *)

Theorem lags_per_layer : forall (W : wide) (m K : nat), 1 <= m ->
  let L := length W in
  let R := length (concat W) in
  (forall t n d, is_wide_distance W (t, 0) (t + n, L) d <->
    L <= d /\ fewest (concat W) n (d - L)) /\
  forall q, is_wide_mean W m q ->
    is_mean_recurrent_length (concat W) m (q - Qnat L + Qnat R) /\
    (Qnat L + (Qnat ((K + 1) * (m + 1)) - Qnat (binomial (K + R + 1) (R + 1))) / Qnat m <= q)%Q.
Proof.
  intros W m K Hm L R. split; [intros; apply wide_distance_by_coins|].
  intros q Hq. destruct (coins_of_wide_mean W m q Hm Hq) as [c [Hc Heq]].
  assert (Hmean : is_mean_recurrent_length (concat W) m (q - Qnat L + Qnat R)).
  { destruct (mean_of_coins (concat W) m c Hm Hc) as [d [Hd Hd']].
    exists d. split; [assumption|]. rewrite <- Hd', Heq. unfold L, R. ring. }
  split; [assumption|].
  destruct (counting_bound R m K Hm) as [Hbound _].
  specialize (Hbound (concat W) _ eq_refl Hmean). unfold counting_mean in Hbound.
  apply (Qplus_le_r _ _ (Qnat R - Qnat L)).
  apply (Qle_trans _ (Qnat R + (Qnat ((K + 1) * (m + 1)) - Qnat (binomial (K + R + 1) (R + 1)))
    / Qnat m)); [apply Qle_lteq; right; ring|].
  apply (Qle_trans _ (q - Qnat L + Qnat R)); [assumption | apply Qle_lteq; right; ring].
Qed.

(** So the optima of R coins are those of all stacks with R lags, each with its number of layers. *)
Theorem wide_optima : forall (R m : nat) (q : Q) (schemes : list stack), 1 <= m ->
  all_optima R m q schemes ->
  forall (W : wide) (q' : Q), positive (concat W) -> length (concat W) = R ->
    is_wide_mean W m q' ->
    (q - Qnat R + Qnat (length W) <= q')%Q /\
    ((q' == q - Qnat R + Qnat (length W))%Q <->
      exists S, In S schemes /\ Permutation S (concat W)).
Proof.
  intros R m q schemes Hm [_ Hall] W q' Hpos Hlen Hq'.
  destruct (lags_per_layer W m 0 Hm) as [_ Hmean]. destruct (Hmean q' Hq') as [Hstack _].
  destruct (Hall (concat W) _ Hpos Hlen Hstack) as [Hle Hiff]. rewrite Hlen in Hle, Hiff.
  split; [lra|]. rewrite <- Hiff. split; intros H; lra.
Qed.

(** ** Examples *)

(** The skip network with the lags 1 and 8 in four layers: 61/8; NARX with 8 delays over 100 lags:
    194/25. *)
Example values : (two_lag_value 4 8 8 == 61 # 8)%Q /\
  is_wide_mean [seq 1 8] 100 (194 # 25).
Proof.
  split; [reflexivity|]. destruct (narx_mean 1 8 100) as [_ [d [Hd Heq]]]; [lia | lia | lia |].
  exists d. split; [assumption|]. rewrite <- Heq. reflexivity.
Qed.

Print Assumptions plain_stack_mean.
Print Assumptions skip_mean.
Print Assumptions two_lag_mean.
Print Assumptions narx_mean.
Print Assumptions mist_mean.
Print Assumptions per_layer_lags_mean.
Print Assumptions lags_per_layer.
