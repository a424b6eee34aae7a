(** * Two lags without a common divisor: which lags stay out of reach

    One layer or two whose lags are a and b, coprime and both at least 2.  A lag can be reached
    exactly if it is x a + y b.  The largest lag out of reach is a b - a - b; of the lags from 0 to
    it, n can be reached exactly if a b - a - b - n cannot, so that half of them, (a - 1)(b - 1) / 2,
    are out of reach. *)
(* Theorem object: unreachable_lags *)

From Coq Require Import Arith List Lia ZArith Znumtheory Bool.
From drnn_theory Require Import stack brute_force fewest_coins counting.
Import ListNotations.
Open Scope nat_scope.

(** The lag n is out of reach of the stack. *)
Definition unreachable (D : stack) (n : nat) : Prop :=
  forall t m, ~ is_distance D (t, 0) (t + n, length D) m.

Lemma reachable_iff : forall a b n, 0 < a -> 0 < b ->
  (~ unreachable [a; b] n <-> exists x y, n = x * a + y * b).
Proof.
  intros a b n Ha Hb.
  assert (Hpos : positive [a; b]) by (repeat constructor; assumption).
  split.
  - intros Hno. destruct (best [a; b] n) as [k|] eqn:Hbest.
    + destruct (best_is_paid _ _ _ Hpos Hbest) as [ks [[Hlen Hval] _]].
      destruct ks as [|x [|y [|? ?]]]; try discriminate. exists x, y. simpl in Hval. lia.
    + exfalso. apply Hno. intros t m Hm. apply distance_by_coins in Hm as [_ Hk].
      apply best_is_fewest in Hk; [congruence | assumption].
  - intros [x [y ->]] Hun. destruct (fewest_exists [a; b] (x * a + y * b) Hpos) as [k Hk].
    + exists [x; y]. split; [reflexivity | simpl; lia].
    + exact (Hun 0 _ (fewest_coins_distance _ 0 _ _ Hk)).
Qed.

(** Every lag is x a + y b with 0 <= x < b, y of either sign. *)
Lemma representation : forall a b n, 0 < a -> 0 < b -> Nat.gcd a b = 1 ->
  exists (x : nat) (y : Z), x < b /\ Z.of_nat n = (Z.of_nat x * Z.of_nat a + y * Z.of_nat b)%Z.
Proof.
  intros a b n Ha Hb Hgcd.
  destruct (Nat.gcd_bezout_pos a b Ha) as [u [v Huv]]. rewrite Hgcd in Huv.
  exists ((n * u) mod b), (Z.of_nat ((n * u) / b) * Z.of_nat a - Z.of_nat n * Z.of_nat v)%Z.
  split; [apply Nat.mod_upper_bound; lia|].
  pose proof (Nat.div_mod (n * u) b ltac:(lia)) as Hdiv.
  assert (Hz : (Z.of_nat (n * u) = Z.of_nat b * Z.of_nat (n * u / b)
    + Z.of_nat ((n * u) mod b))%Z) by lia.
  assert (Hu : (Z.of_nat u * Z.of_nat a = 1 + Z.of_nat v * Z.of_nat b)%Z) by lia.
  rewrite Nat2Z.inj_mul in Hz. nia.
Qed.

(** It can be paid exactly if this y is not negative. *)
Lemma paid_iff : forall a b n x y, 0 < a -> 0 < b -> Nat.gcd a b = 1 -> x < b ->
  Z.of_nat n = (Z.of_nat x * Z.of_nat a + y * Z.of_nat b)%Z ->
  ((exists x' y', n = x' * a + y' * b) <-> (0 <= y)%Z).
Proof.
  intros a b n x y Ha Hb Hgcd Hx Hn. split.
  - intros [x' [y' Hn']].
    (* b divides x' - x, so x' is x or more *)
    assert (Hdiv : (Z.of_nat b | Z.of_nat x' - Z.of_nat x)%Z).
    { apply (Gauss _ (Z.of_nat a)).
      - exists (y - Z.of_nat y')%Z. lia.
      - destruct (Nat.gcd_bezout_pos a b Ha) as [u [v Huv]]. rewrite Hgcd in Huv.
        apply bezout_rel_prime. apply (Bezout_intro _ _ _ (- Z.of_nat v) (Z.of_nat u)). lia. }
    destruct Hdiv as [q Hq].
    assert (Hq0 : (0 <= q)%Z) by nia.
    assert (Hy : (y = Z.of_nat y' + q * Z.of_nat a)%Z).
    { apply (Z.mul_reg_r _ _ (Z.of_nat b)); [lia|]. nia. }
    nia.
  - intros Hy. exists x, (Z.to_nat y). nia.
Qed.

(** ** Counting by reflection *)

Lemma number_rev : forall test ls, number test (rev ls) = number test ls.
Proof.
  intros test. induction ls as [|n ls IH]; [reflexivity|].
  simpl rev. rewrite number_app, number_cons, IH, number_cons. unfold number. simpl. lia.
Qed.

Lemma number_of_map : forall test (f : nat -> nat) ls,
  number test (map f ls) = number (fun n => test (f n)) ls.
Proof.
  intros test f. induction ls as [|n ls IH]; [reflexivity|].
  simpl map. now rewrite !number_cons, IH.
Qed.

Lemma rev_seq_from_0 : forall k, rev (seq 0 k) = map (fun n => k - 1 - n) (seq 0 k).
Proof.
  induction k as [|k IH]; [reflexivity|].
  transitivity (k :: rev (seq 0 k)); [rewrite seq_S, rev_app_distr; reflexivity|].
  rewrite IH. change (seq 0 (S k)) with (0 :: seq 1 k). rewrite map_cons, <- seq_shift, map_map.
  f_equal; [lia|]. apply map_ext. intros n. lia.
Qed.

(** ** The theorem *)

Theorem unreachable_lags : forall (a b : nat),
  2 <= a -> 2 <= b -> Nat.gcd a b = 1 ->
  let g := a * b - a - b in
  unreachable [a; b] g /\
  (forall n, unreachable [a; b] n -> n <= g) /\
  (forall n, n <= g -> (unreachable [a; b] n <-> ~ unreachable [a; b] (g - n))) /\
  exists test, (forall n, test n = true <-> unreachable [a; b] n) /\
    2 * number test (seq 0 (g + 1)) = (a - 1) * (b - 1).
Proof.
  intros a b Ha Hb Hgcd g.
  assert (Hg : g + a + b = a * b) by (unfold g; nia).
  assert (Hreach := fun n => reachable_iff a b n ltac:(lia) ltac:(lia)).
  assert (Hdec : forall n, unreachable [a; b] n \/ ~ unreachable [a; b] n).
  { intros n. destruct (best [a; b] n) as [k|] eqn:Hbest.
    - right. apply Hreach. destruct (best_is_paid [a; b] n k) as [ks [[Hlen Hval] _]];
        [repeat constructor; lia | assumption |].
      destruct ks as [|x [|y [|? ?]]]; try discriminate. exists x, y. simpl in Hval. lia.
    - left. intros t m Hm. apply distance_by_coins in Hm as [_ Hk].
      apply best_is_fewest in Hk; [congruence | repeat constructor; lia]. }
  assert (Hsign : forall n x y, x < b ->
    Z.of_nat n = (Z.of_nat x * Z.of_nat a + y * Z.of_nat b)%Z ->
    (unreachable [a; b] n <-> (y < 0)%Z)).
  { intros n x y Hx Hn. pose proof (paid_iff a b n x y ltac:(lia) ltac:(lia) Hgcd Hx Hn) as Hp.
    specialize (Hreach n). destruct (Hdec n); split; intros; try tauto.
    - destruct (Z.lt_ge_cases y 0); [assumption|]. tauto.
    - exfalso. assert ((0 <= y)%Z) by tauto. lia. }
  assert (Hreflect : forall n, n <= g ->
    (unreachable [a; b] n <-> ~ unreachable [a; b] (g - n))).
  { intros n Hn. destruct (representation a b n ltac:(lia) ltac:(lia) Hgcd) as [x [y [Hx Hxy]]].
    rewrite (Hsign n x y Hx Hxy), (Hsign (g - n) (b - 1 - x) (- 1 - y)%Z); [lia | lia | nia]. }
  split; [|split; [|split]].
  - apply (Hsign g (b - 1) (- 1)%Z); nia.
  - intros n Hun. destruct (representation a b n ltac:(lia) ltac:(lia) Hgcd) as [x [y [Hx Hxy]]].
    apply (Hsign n x y Hx Hxy) in Hun. nia.
  - exact Hreflect.
  - set (test := fun n => match best [a; b] n with Some _ => false | None => true end).
    assert (Htest : forall n, test n = true <-> unreachable [a; b] n).
    { intros n. unfold test. destruct (best [a; b] n) as [k|] eqn:Hbest.
      - split; [discriminate|]. intros Hun. exfalso.
        destruct (best_is_paid [a; b] n k) as [ks [[Hlen Hval] _]];
          [repeat constructor; lia | assumption |].
        destruct ks as [|x [|y [|? ?]]]; try discriminate.
        apply (proj2 (Hreach n)); [|exact Hun]. exists x, y. simpl in Hval. lia.
      - split; [|reflexivity]. intros _ t m Hm. apply distance_by_coins in Hm as [_ Hk].
        apply best_is_fewest in Hk; [congruence | repeat constructor; lia]. }
    exists test. split; [exact Htest|].
    (* the reflection pairs those that pass with those that do not *)
    assert (Hmirror : number test (seq 0 (g + 1)) =
      number (fun n => negb (test n)) (seq 0 (g + 1))).
    { rewrite <- (number_rev test). rewrite rev_seq_from_0, number_of_map.
      apply number_ext. intros n Hn. apply in_seq in Hn.
      pose proof (Hreflect n ltac:(lia)) as H. rewrite <- !Htest in H.
      replace (g + 1 - 1 - n) with (g - n) by lia.
      destruct (test n), (test (g - n)); simpl; intuition congruence. }
    pose proof (number_not test (seq 0 (g + 1))) as Hall. rewrite seq_length in Hall. nia.
Qed.

(** ** Examples *)

(** With the lags 3 and 4 the largest lag out of reach is 5. *)
Example lags_3_4 : unreachable [3; 4] 5 /\ ~ unreachable [3; 4] 6.
Proof.
  destruct (unreachable_lags 3 4 ltac:(lia) ltac:(lia) eq_refl) as [H5 [Hmax _]].
  split; [exact H5|]. intros H6. specialize (Hmax 6 H6). simpl in Hmax. lia.
Qed.

Print Assumptions unreachable_lags.
