(** * In a divisor chain the fewest coins are the digit sum

    Let 1 = s_1 | s_2 | .. | s_L.  Write n in the mixed radix of the chain: digit i is
    (n / s_i) mod (s_(i+1) / s_i), the top digit n / s_L is unbounded.  The sum of the digits is
    the fewest coins that pay n, and the greedy payment (as many as possible of the largest coin,
    then of the next) uses just these digits, so that greedy is optimal.  The digit sum is also
    n - sum_(i>=2) (n_i - 1) * floor (n / s_i), where n_i = s_i / s_(i-1). *)
(* Theorem object: divisor_chain_digits *)

From Coq Require Import Arith List Lia QArith.
From drnn_theory Require Import stack brute_force fewest_coins.
Import ListNotations.
Open Scope nat_scope.

(** ** Digits and greedy payments *)

(** The mixed-radix digits of [n], lowest first. *)
Fixpoint digits (D : stack) (n : nat) : list nat :=
  match D with
  | [] => []
  | s :: D' =>
      match D' with
      | [] => [n / s]
      | s' :: _ => (n / s) mod (s' / s) :: digits D' n
      end
  end.

Definition digit_sum (D : stack) (n : nat) : nat := list_sum (digits D n).

(** The greedy payment with the coins in the order in which they are listed. *)
Fixpoint pay_in_order (coins : list nat) (n : nat) : list nat :=
  match coins with
  | [] => []
  | c :: cs => n / c :: pay_in_order cs (n mod c)
  end.

(** Greedy goes from the top of the stack down; its counts are listed bottom first. *)
Definition greedy (D : stack) (n : nat) : list nat := rev (pay_in_order (rev D) n).

(** ** Digits pay *)

(** A digit per dilation. *)
Lemma length_digits : forall D n, length (digits D n) = length D.
Proof.
  induction D as [|s [|s' D] IH]; intros n; try reflexivity.
  change (S (length (digits (s' :: D) n)) = S (length (s' :: D))). now rewrite IH.
Qed.

(** n mod s' = (digit of s) * s + n mod s, where s' is the dilation after s. *)
Lemma mod_of_next : forall n s s',
  0 < s -> 0 < s' -> Nat.divide s s' ->
  n mod s' = (n / s) mod (s' / s) * s + n mod s.
Proof.
  intros n s s' Hs Hs' [r ->]. rewrite Nat.div_mul by lia.
  assert (r <> 0) by (intros ->; lia).
  rewrite (Nat.mul_comm r s), Nat.mod_mul_r by lia. lia.
Qed.

(** The digits pay all of n but what the lowest dilation leaves. *)
Lemma digits_value : forall D s n,
  positive (s :: D) -> each_divides_next (s :: D) ->
  value (s :: D) (digits (s :: D) n) + n mod s = n.
Proof.
  induction D as [|s' D IH]; intros s n Hpos Hchain.
  - inversion Hpos; subst. simpl. pose proof (Nat.div_mod n s ltac:(lia)). lia.
  - destruct Hchain as [Hdiv Hchain]. inversion Hpos as [|? ? Hs Hpos']; subst.
    pose proof (mod_of_next n s s' Hs ltac:(now inversion Hpos') Hdiv) as Hmod.
    specialize (IH s' n Hpos' Hchain).
    change (value (s :: s' :: D) (digits (s :: s' :: D) n))
      with ((n / s) mod (s' / s) * s + value (s' :: D) (digits (s' :: D) n)). lia.
Qed.

(** The digits of n, as counts of coins, pay n. *)
Theorem digits_pay : forall D n, divisor_chain D -> pays D (digits D n) n.
Proof.
  intros [|s D] n [Hone [Hpos Hchain]]; [discriminate|]. simpl in Hone. subst.
  split; [apply length_digits|].
  pose proof (digits_value D 1 n Hpos Hchain). rewrite Nat.mod_1_r in *. lia.
Qed.

(** ** No payment is shorter *)

(** What a chain pays is a multiple of its lowest dilation. *)
Lemma value_divides : forall D s ks,
  each_divides_next (s :: D) -> Nat.divide s (value (s :: D) ks).
Proof.
  induction D as [|s' D IH]; intros s ks Hchain; destruct ks as [|k ks].
  - exists 0. reflexivity.
  - exists k. destruct ks; simpl; lia.
  - exists 0. reflexivity.
  - destruct Hchain as [[r Hr] Hchain]. destruct (IH s' ks Hchain) as [c Hc].
    exists (k + c * r). change (value (s :: s' :: D) (k :: ks))
      with (k * s + value (s' :: D) ks). rewrite Hc, Hr. lia.
Qed.

(** Digits do not see what is below the lowest dilation. *)
Lemma digits_floor : forall D s a b,
  positive (s :: D) -> each_divides_next (s :: D) -> a < s ->
  digits (s :: D) (a + b * s) = digits (s :: D) (b * s).
Proof.
  induction D as [|s' D IH]; intros s a b Hpos Hchain Ha;
    inversion Hpos as [|? ? Hs Hpos']; subst.
  - simpl. rewrite Nat.div_add, Nat.div_mul, Nat.div_small by lia. reflexivity.
  - destruct Hchain as [[r Hr] Hchain].
    assert (Hs' : 0 < s') by now inversion Hpos'.
    assert (Hr0 : r <> 0) by (intros ->; lia).
    assert (Hsplit : forall x, x < s ->
      digits (s' :: D) (x + b * s) = digits (s' :: D) (b / r * s')).
    { intros x Hx.
      assert (Hlow : b mod r * s + s <= s').
      { rewrite Hr. pose proof (Nat.mod_upper_bound b r Hr0).
        assert ((b mod r + 1) * s <= r * s) by (apply Nat.mul_le_mono_r; lia). lia. }
      rewrite <- (IH s' (x + b mod r * s) (b / r)); auto; [|lia]. f_equal.
      rewrite (Nat.div_mod b r Hr0) at 1. rewrite Hr. lia. }
    change (digits (s :: s' :: D) (a + b * s)) with
      (((a + b * s) / s) mod (s' / s) :: digits (s' :: D) (a + b * s)).
    change (digits (s :: s' :: D) (b * s)) with
      ((b * s / s) mod (s' / s) :: digits (s' :: D) (b * s)).
    rewrite (Hsplit a Ha), (Hsplit 0 Hs : digits (s' :: D) (b * s) = _).
    rewrite Nat.div_add, Nat.div_mul, Nat.div_small by lia. reflexivity.
Qed.

(** Any payment has at least as many coins as the number that it pays has digits to add:
    of every r = s' / s coins of value s, trade all r for one of value s'. *)
Lemma digits_least : forall D s ks,
  positive (s :: D) -> each_divides_next (s :: D) -> length ks = length (s :: D) ->
  digit_sum (s :: D) (value (s :: D) ks) <= list_sum ks.
Proof.
  unfold digit_sum.
  induction D as [|s' D IH]; intros s [|k ks] Hpos Hchain Hlen; try discriminate;
    inversion Hpos as [|? ? Hs Hpos']; subst.
  - destruct ks; [|discriminate]. simpl. rewrite !Nat.add_0_r, Nat.div_mul by lia. lia.
  - pose proof Hchain as [[r Hr] Hchain'].
    assert (Hs' : 0 < s') by now inversion Hpos'.
    assert (Hr0 : r <> 0) by (intros ->; lia).
    destruct ks as [|k' ks]; [discriminate|].
    destruct (value_divides D s' (k' :: ks) Hchain') as [c Hc].
    set (d := k mod r). set (q := k / r).
    assert (Hk : k = r * q + d) by (apply Nat.div_mod; assumption).
    assert (Hd : d < r) by (now apply Nat.mod_upper_bound).
    (* after the trade, d coins of value s are left, and there are q more of value s' *)
    assert (Htraded : value (s' :: D) (k' + q :: ks) = (q + c) * s').
    { change (value (s' :: D) (k' + q :: ks)) with ((k' + q) * s' + value D ks).
      change (value (s' :: D) (k' :: ks)) with (k' * s' + value D ks) in Hc. lia. }
    assert (Hn : value (s :: s' :: D) (k :: k' :: ks) = d * s + (q + c) * s').
    { change (value (s :: s' :: D) (k :: k' :: ks))
        with (k * s + value (s' :: D) (k' :: ks)). rewrite Hc, Hk, Hr. ring. }
    specialize (IH s' (k' + q :: ks) Hpos' Hchain' ltac:(simpl in *; lia)).
    rewrite Htraded in IH. rewrite Hn.
    change (digits (s :: s' :: D) (d * s + (q + c) * s')) with
      (((d * s + (q + c) * s') / s) mod (s' / s) :: digits (s' :: D) (d * s + (q + c) * s')).
    rewrite digits_floor; auto.
    2:{ rewrite Hr. apply Nat.mul_lt_mono_pos_r; assumption. }
    assert (Hdigit : ((d * s + (q + c) * s') / s) mod (s' / s) = d).
    { rewrite Hr, Nat.div_mul by lia.
      replace (d * s + (q + c) * (r * s)) with ((d + (q + c) * r) * s) by ring.
      rewrite Nat.div_mul, Nat.mod_add by lia. now apply Nat.mod_small. }
    rewrite Hdigit. change (list_sum (k' + q :: ks)) with (k' + q + list_sum ks) in IH.
    change (d + list_sum (digits (s' :: D) ((q + c) * s')) <= k + (k' + list_sum ks)).
    assert (q <= r * q) by (destruct r; [lia | simpl; lia]). lia.
Qed.

(** ** Greedy pays the digits *)

(** What greedy leaves when it has used all these coins. *)
Fixpoint left_over (coins : list nat) (n : nat) : nat :=
  match coins with
  | [] => n
  | c :: cs => left_over cs (n mod c)
  end.

(** Greedy with one coin more at the end. *)
Lemma pay_in_order_snoc : forall cs c n,
  pay_in_order (cs ++ [c]) n = pay_in_order cs n ++ [left_over cs n / c].
Proof. induction cs as [|c' cs IH]; intros c n; simpl; [|rewrite IH]; reflexivity. Qed.

(** The same for what it leaves. *)
Lemma left_over_snoc : forall cs c n, left_over (cs ++ [c]) n = left_over cs n mod c.
Proof. induction cs as [|c' cs IH]; intros c n; simpl; [|rewrite IH]; reflexivity. Qed.

(** In a chain greedy leaves the remainder of its lowest coin. *)
Lemma left_over_chain : forall D s n,
  positive (s :: D) -> each_divides_next (s :: D) -> left_over (rev (s :: D)) n = n mod s.
Proof.
  induction D as [|s' D IH]; intros s n Hpos Hchain; [reflexivity|].
  destruct Hchain as [Hdiv Hchain]. inversion Hpos as [|? ? Hs Hpos']; subst.
  change (rev (s :: s' :: D)) with (rev (s' :: D) ++ [s]).
  rewrite left_over_snoc, IH by assumption.
  rewrite (mod_of_next n s s') by (auto; now inversion Hpos').
  rewrite Nat.add_comm, Nat.mod_add by lia. apply Nat.mod_mod. lia.
Qed.

(** The greedy counts are the digits. *)
Theorem greedy_is_digits : forall D n,
  positive D -> each_divides_next D -> greedy D n = digits D n.
Proof.
  unfold greedy. induction D as [|s [|s' D] IH]; intros n Hpos Hchain; try reflexivity.
  destruct Hchain as [Hdiv Hchain]. inversion Hpos as [|? ? Hs Hpos']; subst.
  change (rev (s :: s' :: D)) with (rev (s' :: D) ++ [s]).
  rewrite pay_in_order_snoc, rev_app_distr, IH, left_over_chain by assumption.
  change (digits (s :: s' :: D) n) with ((n / s) mod (s' / s) :: digits (s' :: D) n).
  cbn [rev app]. f_equal.
  rewrite (mod_of_next n s s') by (auto; now inversion Hpos').
  rewrite Nat.add_comm, Nat.div_add by lia.
  rewrite (Nat.div_small (n mod s)) by (apply Nat.mod_upper_bound; lia). reflexivity.
Qed.

(** ** The digit sum by quotients *)

(** sum over i >= 2 of (n_i - 1) * floor (n / s_i). *)
Fixpoint carried (D : stack) (n : nat) : nat :=
  match D with
  | s :: (s' :: _) as D' => (s' / s - 1) * (n / s') + carried D' n
  | _ => 0
  end.

(** The same from any layer up. *)
Lemma digit_sum_and_carried : forall D s n,
  positive (s :: D) -> each_divides_next (s :: D) ->
  digit_sum (s :: D) n + carried (s :: D) n = n / s.
Proof.
  unfold digit_sum. induction D as [|s' D IH]; intros s n Hpos Hchain; [cbn; lia|].
  destruct Hchain as [[r Hr] Hchain]. inversion Hpos as [|? ? Hs Hpos']; subst.
  assert (Hr0 : r <> 0) by (intros ->; inversion Hpos'; lia).
  specialize (IH (r * s) n Hpos' Hchain).
  change (digits (s :: r * s :: D) n)
    with ((n / s) mod (r * s / s) :: digits (r * s :: D) n).
  change (carried (s :: r * s :: D) n)
    with ((r * s / s - 1) * (n / (r * s)) + carried (r * s :: D) n).
  rewrite Nat.div_mul by lia.
  set (ds := digits (r * s :: D) n) in *.
  change (list_sum ((n / s) mod r :: ds)) with ((n / s) mod r + list_sum ds).
  assert (Hq : n / (r * s) = n / s / r) by (rewrite Nat.div_div, Nat.mul_comm by lia; reflexivity).
  rewrite Hq in *. pose proof (Nat.div_mod (n / s) r Hr0) as Hdm.
  destruct r as [|r]; [lia|]. replace (S r - 1) with r by lia. nia.
Qed.

(** digit sum = n - sum_(i>=2) (n_i - 1) floor (n / s_i). *)
Theorem digit_sum_formula : forall D n,
  divisor_chain D -> digit_sum D n + carried D n = n.
Proof.
  intros [|s D] n [Hone [Hpos Hchain]]; [discriminate|]. simpl in Hone. subst s.
  rewrite digit_sum_and_carried by assumption. apply Nat.div_1_r.
Qed.

(** ** The theorem *)

(** The digits as they are pay n by the fewest coins. *)
Theorem digits_are_fewest : forall D n, divisor_chain D -> fewest D n (digit_sum D n).
Proof.
  intros D n HD. split.
  - exists (digits D n). split; [now apply digits_pay | reflexivity].
  - intros ks [Hlen <-]. destruct HD as [Hone [Hpos Hchain]].
    destruct D as [|s D]; [discriminate|]. now apply digits_least.
Qed.

(** The shortest path of lag n has L edges and as many more as the digits add up to. *)
Corollary divisor_chain_distance : forall D t n,
  divisor_chain D ->
  is_distance D (t, 0) (t + n, length D) (length D + digit_sum D n).
Proof. intros. apply fewest_coins_distance. now apply digits_are_fewest. Qed.

(** The fewest coins are the digit sum, and the greedy payment has no more; d(n) is L more than
    the digit sum, which is n - sum_(i>=2) (n_i - 1) * floor (n / s_i). *)
Theorem divisor_chain_digits : forall (D : stack) (n : nat),
  divisor_chain D ->
  fewest D n (digit_sum D n) /\
  pays D (greedy D n) n /\
  list_sum (greedy D n) = digit_sum D n /\
  (forall t, is_distance D (t, 0) (t + n, length D) (length D + digit_sum D n)) /\
  digit_sum D n + carried D n = n.
Proof.
  intros D n HD. assert (Hgreedy : greedy D n = digits D n)
    by (destruct HD as [_ []]; now apply greedy_is_digits).
  rewrite Hgreedy. split; [now apply digits_are_fewest|]. split; [now apply digits_pay|].
  split; [reflexivity|]. split; [|now apply digit_sum_formula].
  intros t. now apply divisor_chain_distance.
Qed.

(** ** Examples *)

(** 2023 has the digits 3, 2, 0, 2 in base ten, lowest first. *)
Example decimal : digits [1; 10; 100; 1000] 2023 = [3; 2; 0; 2].
Proof. vm_compute. reflexivity. Qed.

(** The top digit is unbounded. *)
Example unbounded : digits [1; 2; 6] 101 = [1; 2; 16].
Proof. reflexivity. Qed.

(** Binary digit sums added up (A000788). *)
Example a000788 :
  map (fun n => list_sum (map (digit_sum [1; 2; 4; 8; 16]) (seq 0 (S n)))) (seq 0 17)
  = [0; 1; 2; 4; 5; 7; 9; 12; 13; 15; 17; 20; 22; 25; 28; 32; 33].
Proof. reflexivity. Qed.

(** The fewest factorials (A034968). *)
Example a034968 :
  map (digit_sum [1; 2; 6; 24]) (seq 0 13) = [0; 1; 1; 2; 2; 3; 1; 2; 2; 3; 3; 4; 2].
Proof. reflexivity. Qed.

(** Beyond chains greedy can fail: it pays 24 with {1, 12, 19} by 19 and five 1, not by two 12. *)
Example greedy_fails :
  greedy [1; 12; 19] 24 = [5; 0; 1] /\ fewest [1; 12; 19] 24 2.
Proof. split; [reflexivity | apply best_is_fewest; [repeat constructor | reflexivity]]. Qed.

Print Assumptions divisor_chain_digits.
