(** * Divisor chains at any span

    Let 1 = s_1 | s_2 | .. | s_L with ratios n_i = s_i / s_(i-1), let m >= 1 be any span, and put
    Q_i = floor ((m + 1) / s_i).  The mean recurrent length over the lags 1..m is
    L + (m + 1)/2 - (sum_(i>=2) (n_i - 1) (s_i Q_i (Q_i - 1)/2 + Q_i (m + 1 - s_i Q_i))) / m. *)
(* Theorem object: any_span_chain *)

From Coq Require Import Arith List Lia QArith Qfield.
From drnn_theory Require Import stack brute_force fewest_coins divisor_chain_digits
  divisor_chain_mean.
Import ListNotations.
Open Scope nat_scope.

(** floor (n / s) over n = 0..m, twice. *)
Definition floors (s m : nat) : nat :=
  let q := (m + 1) / s in s * (q * (q - 1)) + 2 * (q * (m + 1 - s * q)).

(** Each of the quotients below Q occurs s times, Q itself as often as is left. *)
Lemma sum_of_floors : forall s m, 0 < s ->
  2 * sum_below (m + 1) (fun n => n / s) = floors s m.
Proof.
  intros s m Hs. unfold floors. generalize (m + 1). clear m. intros N. cbv zeta.
  induction N as [|N IH].
  - rewrite Nat.div_0_l by lia. unfold sum_below. simpl. lia.
  - rewrite sum_below_succ, Nat.mul_add_distr_l, IH. clear IH.
    pose proof (Nat.mod_upper_bound N s ltac:(lia)) as Hless.
    pose proof (Nat.div_mod N s ltac:(lia)) as HN.
    set (q := N / s) in *. set (r := N mod s) in *.
    destruct (Nat.eq_dec (S r) s) as [Heq|Hne].
    + assert (Hq : S N / s = S q) by (symmetry; apply (Nat.div_unique _ _ _ 0); lia).
      rewrite Hq. replace (S N - s * S q) with 0 by lia. replace (N - s * q) with r by lia.
      replace (S q - 1) with q by lia. destruct q as [|q]; [simpl; lia|].
      replace (S q - 1) with q by lia. replace s with (S r) by lia. lia.
    + assert (Hq : S N / s = q) by (symmetry; apply (Nat.div_unique _ _ _ (S r)); lia).
      rewrite Hq. replace (S N - s * q) with (S r) by lia. replace (N - s * q) with r by lia. lia.
Qed.

(** What is subtracted, summed over the lags 0..m, twice. *)
Fixpoint carried_to (D : stack) (m : nat) : nat :=
  match D with
  | s :: (s' :: _) as D' => (s' / s - 1) * floors s' m + carried_to D' m
  | _ => 0
  end.

Lemma sum_of_carried : forall D m, positive D ->
  2 * sum_below (m + 1) (carried D) = carried_to D m.
Proof.
  induction D as [|s [|s' D] IH]; intros m Hpos.
  - rewrite (sum_below_ext _ _ (fun _ => 0)) by reflexivity. rewrite sum_below_const. simpl. lia.
  - rewrite (sum_below_ext _ _ (fun _ => 0)) by reflexivity. rewrite sum_below_const. simpl. lia.
  - assert (Hs' : 0 < s') by (inversion Hpos as [|? ? _ Hpos']; now inversion Hpos').
    change (carried_to (s :: s' :: D) m)
      with ((s' / s - 1) * floors s' m + carried_to (s' :: D) m).
    rewrite <- IH by now inversion Hpos. rewrite <- sum_of_floors by assumption.
    rewrite (sum_below_ext _ _ (fun n => (s' / s - 1) * (n / s') + carried (s' :: D) n))
      by reflexivity.
    rewrite sum_below_add.
    assert (Hout : forall c f N, sum_below N (fun n => c * f n) = c * sum_below N f).
    { intros c f. induction N as [|N IHN]; [unfold sum_below; simpl; lia|].
      rewrite !sum_below_succ, IHN. lia. }
    rewrite Hout. lia.
Qed.

(** The sum over i >= 2 in the theorem. *)
Fixpoint saved (D : stack) (m : nat) : Q :=
  match D with
  | s :: (s' :: _) as D' =>
      let q := Qnat ((m + 1) / s') in
      ((Qnat (s' / s) - 1) * (Qnat s' * q * (q - 1) / 2 + q * (Qnat m + 1 - Qnat s' * q))
        + saved D' m)%Q
  | _ => 0%Q
  end.

Lemma floors_as_rational : forall s m, 0 < s ->
  let q := Qnat ((m + 1) / s) in
  (Qnat (floors s m) == 2 * (Qnat s * q * (q - 1) / 2 + q * (Qnat m + 1 - Qnat s * q)))%Q.
Proof.
  intros s m Hs. cbv zeta. unfold floors. cbv zeta.
  pose proof (Nat.mul_div_le (m + 1) s ltac:(lia)) as Hle.
  set (q := (m + 1) / s) in *.
  assert (Hrest : (Qnat (m + 1 - s * q) == Qnat m + 1 - Qnat s * Qnat q)%Q).
  { rewrite <- Qnat_mul. change 1%Q with (Qnat 1). rewrite <- Qnat_add. unfold Qnat.
    rewrite Nat2Z.inj_sub by assumption. unfold Z.sub.
    now rewrite inject_Z_plus, inject_Z_opp. }
  assert (Hpred : (Qnat (q * (q - 1)) == Qnat q * (Qnat q - 1))%Q).
  { destruct q as [|q']; [reflexivity|]. rewrite Qnat_mul, Qnat_pred by lia. reflexivity. }
  rewrite Qnat_add, (Qnat_mul s), Hpred, (Qnat_mul 2), (Qnat_mul q), Hrest.
  change (Qnat 2) with 2%Q. field.
Qed.

Lemma carried_as_rational : forall D m, positive D -> each_divides_next D ->
  (Qnat (carried_to D m) == 2 * saved D m)%Q.
Proof.
  induction D as [|s [|s' D] IH]; intros m Hpos Hchain; [reflexivity | reflexivity|].
  inversion Hpos as [|? ? Hs Hpos']; subst. assert (Hs' : 0 < s') by now inversion Hpos'.
  destruct Hchain as [[r Hr] Hchain].
  change (carried_to (s :: s' :: D) m)
    with ((s' / s - 1) * floors s' m + carried_to (s' :: D) m).
  rewrite Qnat_add, Qnat_mul, (IH m Hpos' Hchain), floors_as_rational by assumption.
  rewrite Qnat_pred by (rewrite Hr, Nat.div_mul by lia; destruct r; lia).
  change (saved (s :: s' :: D) m) with
    ((Qnat (s' / s) - 1) * (Qnat s' * Qnat ((m + 1) / s') * (Qnat ((m + 1) / s') - 1) / 2
      + Qnat ((m + 1) / s') * (Qnat m + 1 - Qnat s' * Qnat ((m + 1) / s')))
      + saved (s' :: D) m)%Q.
  field.
Qed.

(** ** The theorem *)

Theorem any_span_chain : forall (D : stack) (m : nat), divisor_chain D -> 1 <= m ->
  is_mean_recurrent_length D m
    (Qnat (length D) + (Qnat m + 1) / 2 - saved D m / Qnat m)%Q.
Proof.
  intros D m HD Hm.
  destruct (mean_of_coins D m (digit_sum D) Hm) as [d [Hd Heq]].
  { intros n _. now apply digits_are_fewest. }
  exists d. split; [assumption|]. rewrite <- Heq.
  destruct HD as [Hone [Hpos Hchain]]. assert (HD : divisor_chain D) by now repeat split.
  assert (Hsum : 2 * list_sum (map (digit_sum D) (seq 1 m)) + carried_to D m = m * (m + 1)).
  { rewrite <- sum_of_carried by assumption.
    pose proof (sum_from_1 m (digit_sum D)) as Hshift. rewrite digit_sum_0 in Hshift by assumption.
    pose proof (sum_below_succ m (digit_sum D)) as Hlast.
    replace (m + 1) with (S m) by lia.
    assert (Hall : sum_below (S m) (digit_sum D) + sum_below (S m) (carried D)
      = sum_below (S m) (fun n => n)).
    { rewrite <- sum_below_add. apply sum_below_ext. intros n _. now apply digit_sum_formula. }
    assert (Hgauss : forall N, 2 * sum_below (S N) (fun n => n) = N * (N + 1)).
    { induction N as [|N IH]; [reflexivity|]. rewrite sum_below_succ. lia. }
    specialize (Hgauss m). lia. }
  assert (HQ : (2 * Qnat (list_sum (map (digit_sum D) (seq 1 m))) + 2 * saved D m
    == Qnat m * (Qnat m + 1))%Q).
  { rewrite <- carried_as_rational by assumption. change 2%Q with (Qnat 2).
    change 1%Q with (Qnat 1). rewrite <- Qnat_mul, <- !Qnat_add, Hsum, Qnat_mul. reflexivity. }
  assert (Hm0 : ~ (Qnat m == 0)%Q) by (apply Qnat_nonzero; lia).
  set (T := Qnat (list_sum _)) in *.
  assert (HT : (T == Qnat m * (Qnat m + 1) / 2 - saved D m)%Q) by (rewrite <- HQ; field).
  rewrite HT. field. assumption.
Qed.

(** ** Examples *)

(** The chain 1, 2, 6, 24 over the lags 1..63: 488/63, by the theorem as by brute force. *)
Example any_span : is_mean_recurrent_length [1; 2; 6; 24] 63 (488 # 63) /\
  (4 + (63 + 1) / 2 - saved [1; 2; 6; 24]%nat 63 / 63 == 488 # 63)%Q.
Proof.
  split; [|reflexivity].
  apply mean_by_brute_force; [repeat constructor | vm_compute; reflexivity |].
  vm_compute. reflexivity.
Qed.

Print Assumptions any_span_chain.
