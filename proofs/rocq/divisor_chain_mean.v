(** * The mean recurrent length of a divisor chain

    Let 1 = s_1 | s_2 | .. | s_L with ratios n_i = s_i / s_(i-1), and let m = s_L * q with q >= 1.
    The digit sums of 1..m, and so the fewest coins, average
    sum_(i>=2) (n_i - 1)/2 + (q - 1)/2 + q/m; the mean recurrent length over the lags 1..m is that
    plus L.  With q = 1 it is L + sum_(i>=2) (n_i - 1)/2 + 1/m. *)
(* Theorem objects: divisor_chain_mean, divisor_chain_mean_at_multiples *)

From Coq Require Import Arith List Lia QArith Qfield.
From drnn_theory Require Import stack brute_force fewest_coins divisor_chain_digits.
Import ListNotations.
Open Scope nat_scope.

(** ** Sums over 0..n-1 *)

Definition sum_below (n : nat) (f : nat -> nat) : nat := list_sum (map f (seq 0 n)).

(** The last term comes off. *)
Lemma sum_below_succ : forall n f, sum_below (S n) f = sum_below n f + f n.
Proof.
  intros. unfold sum_below. rewrite seq_S, map_app, list_sum_app. simpl. lia.
Qed.

(** Sums see only their terms. *)
Lemma sum_below_ext : forall n f g,
  (forall i, i < n -> f i = g i) -> sum_below n f = sum_below n g.
Proof.
  intros n f g H. unfold sum_below. f_equal. apply map_ext_in.
  intros i Hi. apply H. apply in_seq in Hi. lia.
Qed.

(** Sums add. *)
Lemma sum_below_add : forall n f g,
  sum_below n (fun i => f i + g i) = sum_below n f + sum_below n g.
Proof.
  induction n as [|n IH]; intros f g; [reflexivity|]. rewrite !sum_below_succ, IH. lia.
Qed.

(** A constant, added n times. *)
Lemma sum_below_const : forall n c, sum_below n (fun _ => c) = n * c.
Proof. induction n as [|n IH]; intros c; [reflexivity|]. rewrite sum_below_succ, IH. lia. Qed.

(** A sum over a + b terms falls into two. *)
Lemma sum_below_split : forall a b f,
  sum_below (a + b) f = sum_below a f + sum_below b (fun i => f (a + i)).
Proof.
  intros a. induction b as [|b IH]; intros f; [rewrite Nat.add_0_r; cbn; lia|].
  rewrite Nat.add_succ_r, !sum_below_succ, IH. lia.
Qed.

(** A sum over 1..m against the sum over 0..m-1. *)
Lemma sum_from_1 : forall m f,
  list_sum (map f (seq 1 m)) + f 0 = sum_below m f + f m.
Proof.
  intros m f. rewrite <- sum_below_succ. unfold sum_below.
  change (seq 0 (S m)) with (0 :: seq 1 m). simpl. unfold list_sum. lia.
Qed.

(** ** Sums of digits *)

(** The unbounded digit: each value 0..q-1 occurs s times below s * q. *)
Lemma sum_of_top_digit : forall s q, 0 < s ->
  2 * sum_below (s * q) (fun n => n / s) = s * q * (q - 1).
Proof.
  intros s q Hs. induction q as [|q IH].
  - rewrite Nat.mul_0_r. reflexivity.
  - rewrite Nat.mul_succ_r, sum_below_split.
    rewrite (sum_below_ext s _ (fun _ => q)).
    + rewrite sum_below_const, Nat.mul_add_distr_l, IH.
      destruct q as [|q]; [simpl; lia|].
      replace (S q - 1) with q by lia. replace (S (S q) - 1) with (S q) by lia. ring.
    + intros i Hi. rewrite Nat.add_comm, Nat.mul_comm, Nat.div_add, Nat.div_small by lia.
      reflexivity.
Qed.

(** A function of the remainder repeats itself. *)
Lemma sum_of_periodic : forall p k f, 0 < p ->
  sum_below (p * k) (fun n => f (n mod p)) = k * sum_below p f.
Proof.
  intros p k f Hp. induction k as [|k IH].
  - rewrite Nat.mul_0_r. reflexivity.
  - rewrite Nat.mul_succ_r, sum_below_split, IH.
    rewrite (sum_below_ext p (fun i => f ((p * k + i) mod p)) f); [lia|].
    intros i Hi. rewrite Nat.add_comm, Nat.mul_comm, Nat.mod_add by lia.
    now rewrite Nat.mod_small.
Qed.

(** A bounded digit averages (r - 1)/2 over whole periods s * r. *)
Lemma sum_of_digit : forall s r k, 0 < s -> 0 < r ->
  2 * sum_below (s * r * k) (fun n => (n / s) mod r) = s * r * k * (r - 1).
Proof.
  intros s r k Hs Hr.
  rewrite (sum_below_ext _ _ (fun n => (n mod (s * r)) / s)).
  - rewrite (sum_of_periodic (s * r) k (fun i => i / s)) by nia.
    pose proof (sum_of_top_digit s r Hs). nia.
  - intros n _. rewrite Nat.mod_mul_r by lia.
    rewrite Nat.add_comm, Nat.mul_comm, Nat.div_add_l by lia.
    rewrite (Nat.div_small (n mod s)) by (apply Nat.mod_upper_bound; lia). lia.
Qed.

(** The ratios, each less one, added up. *)
Definition sum_of_tops (D : stack) : nat := list_sum (map (fun r => r - 1) (ratios D)).

(** The lowest dilation divides the highest. *)
Lemma head_divides_last : forall D s, each_divides_next (s :: D) -> Nat.divide s (last (s :: D) 0).
Proof.
  induction D as [|s' D IH]; intros s Hchain; [apply Nat.divide_refl|].
  destruct Hchain as [Hdiv Hchain]. apply (Nat.divide_trans s s'); [assumption|].
  change (last (s :: s' :: D) 0) with (last (s' :: D) 0). auto.
Qed.

(** The digit sums of 0..m-1, twice. *)
Lemma sum_of_digit_sums_below : forall D s q,
  positive (s :: D) -> each_divides_next (s :: D) ->
  let m := last (s :: D) 0 * q in
  2 * sum_below m (digit_sum (s :: D)) = m * (sum_of_tops (s :: D) + (q - 1)).
Proof.
  induction D as [|s' D IH]; intros s q Hpos Hchain; cbv zeta;
    inversion Hpos as [|? ? Hs Hpos']; subst.
  - cbn [last]. rewrite (sum_below_ext _ _ (fun n => n / s)).
    + rewrite sum_of_top_digit by assumption. unfold sum_of_tops. simpl. reflexivity.
    + intros i _. unfold digit_sum. simpl. lia.
  - pose proof Hchain as [[r Hr] Hchain'].
    assert (Hs' : 0 < s') by now inversion Hpos'.
    assert (Hr0 : 0 < r) by (destruct r; lia).
    assert (Hratio : s' / s = r) by (rewrite Hr; apply Nat.div_mul; lia).
    change (last (s :: s' :: D) 0) with (last (s' :: D) 0).
    set (m := last (s' :: D) 0 * q).
    assert (Hm : exists k, m = s * r * k).
    { destruct (head_divides_last D s' Hchain') as [c Hc]. exists (c * q).
      unfold m. rewrite Hc, Hr. ring. }
    destruct Hm as [k Hm].
    assert (Hdigit : 2 * sum_below m (fun n => (n / s) mod r) = m * (r - 1))
      by (rewrite Hm; now apply sum_of_digit).
    specialize (IH s' q Hpos' Hchain'). cbv zeta in IH. fold m in IH.
    rewrite (sum_below_ext _ _ (fun n => (n / s) mod r + digit_sum (s' :: D) n)).
    + rewrite sum_below_add, Nat.mul_add_distr_l, Hdigit, IH.
      unfold sum_of_tops. change (ratios (s :: s' :: D)) with (s' / s :: ratios (s' :: D)).
      rewrite Hratio. cbn [map]. set (rest := map _ (ratios (s' :: D))).
      change (list_sum (r - 1 :: rest)) with (r - 1 + list_sum rest). ring.
    + intros n _. unfold digit_sum.
      change (digits (s :: s' :: D) n) with ((n / s) mod (s' / s) :: digits (s' :: D) n).
      rewrite Hratio. reflexivity.
Qed.

(** Zero has the digit sum 0. *)
Lemma digit_sum_0 : forall D, positive D -> digit_sum D 0 = 0.
Proof.
  unfold digit_sum. induction D as [|s [|s' D] IH]; intros Hpos; try reflexivity;
    inversion Hpos as [|? ? Hs Hpos']; subst.
  - cbn [digits]. rewrite Nat.div_0_l by lia. reflexivity.
  - change (digits (s :: s' :: D) 0) with ((0 / s) mod (s' / s) :: digits (s' :: D) 0).
    rewrite Nat.div_0_l by lia.
    assert (Hzero : 0 mod (s' / s) = 0) by (destruct (s' / s); [|apply Nat.mod_0_l]; auto).
    rewrite Hzero. exact (IH Hpos').
Qed.

(** s_L * q has the digit sum q. *)
Lemma digit_sum_last : forall D s q,
  positive (s :: D) -> each_divides_next (s :: D) ->
  digit_sum (s :: D) (last (s :: D) 0 * q) = q.
Proof.
  unfold digit_sum. induction D as [|s' D IH]; intros s q Hpos Hchain;
    inversion Hpos as [|? ? Hs Hpos']; subst.
  - cbn. rewrite Nat.mul_comm, Nat.div_mul by lia. lia.
  - pose proof Hchain as [[r Hr] Hchain'].
    assert (Hs' : 0 < s') by now inversion Hpos'.
    assert (Hr0 : r <> 0) by (intros ->; lia).
    destruct (head_divides_last D s' Hchain') as [c Hc].
    change (last (s :: s' :: D) 0) with (last (s' :: D) 0).
    set (n := last (s' :: D) 0 * q).
    change (digits (s :: s' :: D) n) with ((n / s) mod (s' / s) :: digits (s' :: D) n).
    assert (Hlow : (n / s) mod (s' / s) = 0).
    { unfold n. rewrite Hc, Hr, Nat.div_mul by lia.
      replace (c * (r * s) * q) with (c * q * r * s) by ring.
      rewrite Nat.div_mul by lia. now apply Nat.mod_mul. }
    rewrite Hlow. apply (IH s' q Hpos' Hchain').
Qed.

(** Division-free: twice the digit sums of 1..m, added up. *)
Theorem sum_of_digit_sums : forall D q,
  divisor_chain D ->
  let m := last D 0 * q in
  2 * list_sum (map (digit_sum D) (seq 1 m)) = m * (sum_of_tops D + (q - 1)) + 2 * q.
Proof.
  intros [|s D] q [Hone [Hpos Hchain]]; [discriminate|]. cbv zeta.
  pose proof (sum_from_1 (last (s :: D) 0 * q) (digit_sum (s :: D))) as Hshift.
  rewrite digit_sum_0, digit_sum_last in Hshift by assumption.
  pose proof (sum_of_digit_sums_below D s q Hpos Hchain). cbv zeta in *. lia.
Qed.

(** Division-free: twice the path lengths L + fewest n of the lags 1..m, added up. *)
Theorem sum_of_path_lengths : forall D q,
  divisor_chain D ->
  let m := last D 0 * q in
  2 * list_sum (map (fun n => length D + digit_sum D n) (seq 1 m))
  = m * (2 * length D + sum_of_tops D + (q - 1)) + 2 * q.
Proof.
  intros D q HD. cbv zeta. pose proof (sum_of_digit_sums D q HD) as H. cbv zeta in H.
  assert (Hsplit : forall l, list_sum (map (fun n => length D + digit_sum D n) l)
                     = length l * length D + list_sum (map (digit_sum D) l)).
  { unfold list_sum. induction l; simpl in *; lia. }
  rewrite Hsplit, seq_length, Nat.mul_add_distr_l, H. ring.
Qed.

(** ** The mean as a rational *)

(** sum_(i>=2) (n_i - 1)/2. *)
Definition half_sum (rs : list nat) : Q :=
  fold_right (fun r acc => ((Qnat r - 1) / 2 + acc)%Q) 0%Q rs.

(** L + sum_(i>=2) (n_i - 1)/2 + (q - 1)/2 + q/m. *)
Definition chain_mean (D : stack) (q m : nat) : Q :=
  (Qnat (length D) + half_sum (ratios D) + (Qnat q - 1) / 2 + Qnat q / Qnat m)%Q.
Arguments chain_mean D (q m)%nat_scope.

(** Ratios of a chain are positive. *)
Lemma ratios_positive : forall D,
  positive D -> each_divides_next D -> Forall (fun r => 1 <= r) (ratios D).
Proof.
  induction D as [|s [|s' D] IH]; intros Hpos Hchain; try constructor;
    inversion Hpos as [|? ? Hs Hpos']; destruct Hchain as [[r Hr] Hchain']; subst.
  - rewrite Nat.div_mul by lia. inversion Hpos'. destruct r; lia.
  - now apply IH.
Qed.

(** The sum of n_i - 1 is twice the sum of their halves. *)
Lemma half_sum_of_tops : forall rs, Forall (fun r => 1 <= r) rs ->
  (Qnat (list_sum (map (fun r => r - 1)%nat rs)) == 2 * half_sum rs)%Q.
Proof.
  induction 1 as [|r rs Hr _ IH]; [reflexivity|].
  change (list_sum (map (fun r => r - 1) (r :: rs)))
    with (r - 1 + list_sum (map (fun r => r - 1) rs)).
  rewrite Qnat_add, IH, Qnat_pred by assumption. simpl half_sum. field.
Qed.

(** The highest dilation is positive. *)
Lemma last_positive : forall D, divisor_chain D -> 0 < last D 0.
Proof.
  intros D [Hone [Hpos _]].
  assert (HD : D <> []) by (intros ->; discriminate).
  unfold positive in Hpos. rewrite Forall_forall in Hpos. apply Hpos.
  rewrite (app_removelast_last 0 HD) at 2. apply in_or_app. simpl. auto.
Qed.

(** ** The theorem *)

(** The mean recurrent length over 1..m, m = s_L * q, is
    L + sum_(i>=2) (n_i - 1)/2 + (q - 1)/2 + q/m. *)
Theorem divisor_chain_mean : forall (D : stack) (q : nat),
  divisor_chain D -> 1 <= q ->
  let m := last D 0 * q in
  is_mean_recurrent_length D m (chain_mean D q m).
Proof.
  intros D q HD Hq. cbv zeta. set (m := last D 0 * q).
  assert (Hm : 0 < m) by (pose proof (last_positive D HD); unfold m; nia).
  exists (fun n => length D + digit_sum D n). split.
  - intros n _. apply worst_distance_of_fewest. now apply digits_are_fewest.
  - pose proof (sum_of_path_lengths D q HD) as Hsum. cbv zeta in Hsum. fold m in Hsum.
    set (total := list_sum _) in *.
    assert (Htotal : (2 * Qnat total ==
      Qnat m * (2 * Qnat (length D) + 2 * half_sum (ratios D) + (Qnat q - 1)) + 2 * Qnat q)%Q).
    { rewrite <- half_sum_of_tops by (now apply ratios_positive; destruct HD as [_ []]).
      rewrite <- Qnat_pred by assumption. change 2%Q with (Qnat 2).
      rewrite <- !Qnat_mul, <- !Qnat_add, <- !Qnat_mul, <- !Qnat_add.
      unfold sum_of_tops in Hsum. rewrite Hsum. reflexivity. }
    unfold chain_mean. pose proof (Qnat_nonzero m Hm).
    assert (Hhalf : (Qnat total == (2 * Qnat total) / 2)%Q) by field.
    rewrite Hhalf, Htotal. field. assumption.
Qed.

(** The same under the name of the theorem for the multiples of the largest dilation. *)
Theorem divisor_chain_mean_at_multiples : forall (D : stack) (q : nat),
  divisor_chain D -> 1 <= q ->
  let m := last D 0 * q in
  is_mean_recurrent_length D m
    (Qnat (length D) + half_sum (ratios D) + (Qnat q - 1) / 2 + Qnat q / Qnat m)%Q.
Proof. exact divisor_chain_mean. Qed.

(** q = 1: over the lags 1..s_L the mean is L + sum_(i>=2) (n_i - 1)/2 + 1/m. *)
Corollary divisor_chain_mean_to_last : forall D,
  divisor_chain D ->
  let m := last D 0 in
  is_mean_recurrent_length D m
    (Qnat (length D) + half_sum (ratios D) + 1 / Qnat m)%Q.
Proof.
  intros D HD. cbv zeta. pose proof (divisor_chain_mean D 1 HD (le_n 1)) as H.
  cbv zeta in H. rewrite Nat.mul_1_r in H.
  destruct H as [d [Hd Heq]]. exists d. split; [assumption|]. rewrite <- Heq.
  unfold chain_mean. pose proof (Qnat_nonzero _ (last_positive D HD)).
  change (Qnat 1) with 1%Q. field. assumption.
Qed.

(** ** Examples *)

(** Dilations 1, 2, 4, 8 over the lags 1..8: 45/8, by the theorem as by brute force. *)
Example exponential_mean : (chain_mean [1; 2; 4; 8]%nat 1 8 == 45 # 8)%Q.
Proof. reflexivity. Qed.

(** The chain 1, 3, 6 over the lags 1..12: the theorem against brute force. *)
Example mixed_mean :
  (chain_mean [1; 3; 6]%nat 2 12 == 31 # 6)%Q /\ is_mean_recurrent_length [1; 3; 6] 12 (31 # 6).
Proof.
  split; [reflexivity|].
  apply mean_by_brute_force; [repeat constructor | reflexivity | reflexivity].
Qed.

Print Assumptions divisor_chain_mean.
Print Assumptions divisor_chain_mean_at_multiples.
