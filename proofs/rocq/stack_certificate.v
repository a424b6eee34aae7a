(** * What certifies a stack at all later lags

    Let a be the largest dilation of a stack.  If d(n + a) = d(n) + 1 for a lags in a row,
    n = n_0, .., n_0 + a - 1, unreachable lags included, then for all n >= n_0; hence
    d(n) = d(n_0 + (n - n_0) mod a) + floor ((n - n_0) / a) for n >= n_0.  Such an n_0 exists: if no
    other dilation is larger than b, (a - 1) * b will do. *)
(* Theorem object: stack_certificate *)

From Coq Require Import Arith List Lia QArith.
From drnn_theory Require Import stack brute_force fewest_coins eventual_periodicity.
Import ListNotations.
Open Scope nat_scope.

(** d(n + a) = d(n) + 1; both may be infinite. *)
Definition one_more (D : stack) (a n : nat) : Prop :=
  forall t m, is_distance D (t, 0) (t + (n + a), length D) m <->
    exists m', m = m' + 1 /\ is_distance D (t, 0) (t + n, length D) m'.

(** The same in coins. *)
Lemma one_more_in_coins : forall D a n, positive D ->
  (one_more D a n <-> periodic_at D a (n + a)).
Proof.
  intros D a n Hpos. split.
  - intros Hmore.
    assert (Hfew : forall k, fewest D (n + a) k <-> exists k', k = k' + 1 /\ fewest D n k').
    { intros k. split.
      - intros Hk. apply (fewest_coins_distance D 0) in Hk. apply Hmore in Hk as [m' [Hm Hm']].
        apply distance_by_coins in Hm' as [Hle Hk']. exists (m' - length D).
        split; [lia | assumption].
      - intros [k' [-> Hk']]. apply (fewest_coins_distance D 0) in Hk'.
        assert (Hd : is_distance D (0, 0) (0 + (n + a), length D) (length D + k' + 1))
          by (apply Hmore; eauto).
        apply distance_by_coins in Hd as [_ Hk].
        now replace (length D + k' + 1 - length D) with (k' + 1) in Hk by lia. }
    assert (Hpay : forall x, payable D x <-> exists k, fewest D x k).
    { intros x. split; [intros H; now apply fewest_exists|].
      intros [k [[ks [Hks _]] _]]. now exists ks. }
    unfold periodic_at. rewrite Nat.add_sub. split; [|exact Hfew].
    rewrite !Hpay. split; intros [k Hk].
    + apply Hfew in Hk as [k' [_ Hk']]. now exists k'.
    + exists (k + 1). apply Hfew. eauto.
  - intros Hper t m. rewrite (periodic_distance D a (n + a) Hper), Nat.add_sub. reflexivity.
Qed.

Theorem stack_certificate : forall (D : stack) (a : nat),
  positive D -> In a D -> (forall s, In s D -> s <= a) ->
  (forall n0, (forall n, n0 <= n < n0 + a -> one_more D a n) ->
    (forall n, n0 <= n -> one_more D a n) /\
    (forall n t m, n0 <= n ->
      (is_distance D (t, 0) (t + n, length D) m <->
       exists m', m = m' + (n - n0) / a /\
         is_distance D (t, 0) (t + (n0 + (n - n0) mod a), length D) m'))) /\
  (forall b, (forall s, In s D -> s = a \/ s <= b) -> b <= a ->
    forall n, (a - 1) * b <= n -> one_more D a n).
Proof.
  intros D a Hpos Ha Hmax.
  assert (Ha0 : 0 < a) by (unfold positive in Hpos; rewrite Forall_forall in Hpos; auto).
  split.
  - intros n0 Hwindow.
    assert (Hall : forall n, n0 + a - 1 < n -> periodic_at D a n).
    { apply periodicity_certificate; auto; [lia|].
      intros n Hn. replace n with (n - a + a) by lia. apply one_more_in_coins; [assumption|].
      apply Hwindow. lia. }
    split.
    + intros n Hn. apply one_more_in_coins; [assumption|]. apply Hall. lia.
    + intros n t m Hn.
      pose proof (Nat.div_mod (n - n0) a ltac:(lia)) as Hdiv.
      assert (Hk : n0 + a - 1 + (n - n0) / a * a < n + a) by lia.
      destruct (repeated_periods D a (n0 + a - 1) ltac:(lia) Hall _ n Hk) as [_ Hrep].
      rewrite Hrep. replace (n - (n - n0) / a * a) with (n0 + (n - n0) mod a) by lia. reflexivity.
  - intros b Hb Hba n Hn. apply one_more_in_coins; [assumption|].
    apply (periodic_beyond D a b); auto; lia.
Qed.

(** ** Examples *)

(** Dilations 1, 4, 5: from the lag 16 on, one edge more every 5 lags. *)
Example with_1_4_5 : forall n, 16 <= n -> one_more [1; 4; 5] 5 n.
Proof.
  intros n Hn.
  destruct (stack_certificate [1; 4; 5] 5) as [_ Hknown];
    [repeat constructor | simpl; tauto | simpl; lia |].
  apply (Hknown 4); [simpl; lia | lia | simpl; lia].
Qed.

Print Assumptions stack_certificate.
