(** * Theorem 3.1 without its hypotheses: the smallest counterexamples

    Stacks of L layers over the lags 1..m, m = M^(L-1), L and M at least 2.
    - Without divisibility (1 = s_1 <= .. <= s_L = m) the smallest m at which some stack has a
      smaller mean recurrent length than the exponential one is 8, with L = 4: there 1, 2, 5, 8 and
      1, 3, 4, 8, and no others, have the least mean 11/2, and 1, 2, 4, 8 has 45/8.
    - In the same class the smallest m at which the optimum is not unique is 4, with L = 3: 1, 2, 4
      and 1, 3, 4, and no others, have the least mean 17/4.
    - If the largest dilation may be below the span (divisor chains with s_L <= m), the smallest m
      is 4, with L = 2: 1, 2 and 1, 3, and no others, have the least mean 7/2, and 1, 4 has 15/4.
      With L >= 3 it is 9: 1, 2, 4; 1, 2, 6 and 1, 3, 6 have 44/9, and 1, 3, 9 has 46/9.  With
      L >= 4 it is 27: 1, 2, 4, 12 has 20/3, and 1, 3, 9, 27 has 190/27. *)
(* Theorem objects: divisibility_is_needed, divisibility_is_needed_for_uniqueness,
   last_dilation_is_needed *)

From Coq Require Import Arith List Lia QArith Bool.
From drnn_theory Require Import stack brute_force fewest_coins eventual_periodicity theorem_3_1.
Import ListNotations.
Open Scope nat_scope.

(** ** Means of stacks with a dilation 1, as sums *)

Definition total (D : stack) (m : nat) : nat := list_sum (map (best_or_0 D) (seq 1 m)).

Lemma mean_of_total : forall D m, positive D -> In 1 D -> 1 <= m ->
  is_mean_recurrent_length D m (Qnat (length D) + Qnat (total D m) / Qnat m)%Q.
Proof.
  intros D m Hpos H1 Hm. apply mean_of_coins; [assumption|]. intros n _.
  destruct (fewest_exists D n Hpos) as [k Hk].
  - destruct (counts_of_coins D (repeat 1 n)) as [ks [Hks _]].
    + intros c Hc. apply repeat_spec in Hc as ->. assumption.
    + rewrite sum_of_repeat, Nat.mul_1_r in Hks. now exists ks.
  - unfold best_or_0. now rewrite (proj1 (best_is_fewest D n k Hpos) Hk).
Qed.

(** Stacks of the classes below begin with a dilation 1. *)
Definition complete (D : stack) : Prop := hd 0 D = 1 /\ positive D.

Lemma complete_mean : forall D m q, complete D -> 1 <= m ->
  is_mean_recurrent_length D m q -> (q == Qnat (length D) + Qnat (total D m) / Qnat m)%Q.
Proof.
  intros D m q [H1 Hpos] Hm Hq. apply (mean_unique D m); [assumption|].
  apply mean_of_total; try assumption. destruct D as [|s D]; [discriminate|]. now left.
Qed.

(** Of equally deep stacks the means compare as the sums do. *)
Lemma compare : forall D E m q q', complete D -> complete E -> length D = length E -> 1 <= m ->
  is_mean_recurrent_length D m q -> is_mean_recurrent_length E m q' ->
  ((q <= q')%Q <-> total D m <= total E m) /\ ((q == q')%Q <-> total D m = total E m).
Proof.
  intros D E m q q' HD HE Hlen Hm Hq Hq'.
  rewrite (complete_mean D m q HD Hm Hq), (complete_mean E m q' HE Hm Hq'), Hlen.
  split; [rewrite <- (Qnat_div_le _ _ m Hm) | rewrite <- (Qnat_div_eq _ _ m Hm)].
  - apply Qplus_le_r.
  - apply Qplus_inj_l.
Qed.

(** ** All stacks of a class, as a list *)

Fixpoint nondecreasing (D : stack) : Prop :=
  match D with
  | s :: (s' :: _) as D' => s <= s' /\ nondecreasing D'
  | _ => True
  end.

(** The lists lo <= s_1 <= .. <= s_k <= hi. *)
Fixpoint rising_lists (k lo hi : nat) : list stack :=
  match k with
  | 0 => [[]]
  | S k' => flat_map (fun s => map (cons s) (rising_lists k' s hi)) (seq lo (hi + 1 - lo))
  end.

Lemma in_rising_lists : forall D lo hi, nondecreasing D -> lo <= hd lo D ->
  (forall x, In x D -> x <= hi) -> In D (rising_lists (length D) lo hi).
Proof.
  induction D as [|s D IH]; intros lo hi Hrise Hlo Hhi; [now left|].
  simpl in Hlo. simpl length. cbn [rising_lists]. apply in_flat_map. exists s.
  pose proof (Hhi s (or_introl eq_refl)). split; [apply in_seq; lia|].
  apply in_map. apply IH.
  - destruct D as [|s' D]; [exact I | now destruct Hrise].
  - destruct D as [|s' D]; [simpl; lia | now destruct Hrise].
  - intros x Hx. apply Hhi. now right.
Qed.

Lemma members_at_most_last : forall D, nondecreasing D -> forall x, In x D -> x <= last D 0.
Proof.
  induction D as [|s D IH]; intros Hrise x Hx; [destruct Hx|].
  destruct D as [|s' D]; [destruct Hx as [<-|[]]; simpl; lia|].
  destruct Hrise as [Hle Hrise]. change (last (s :: s' :: D) 0) with (last (s' :: D) 0).
  destruct Hx as [<-|Hx]; [|now apply IH].
  specialize (IH Hrise s' (or_introl eq_refl)). lia.
Qed.

(** 1 = s_1 <= .. <= s_L = m. *)
Definition up_to_span (L m : nat) (D : stack) : Prop :=
  length D = L /\ hd 0 D = 1 /\ nondecreasing D /\ last D 0 = m.

Definition all_up_to_span (L m : nat) : list stack :=
  filter (fun D => (hd 0 D =? 1) && (last D 0 =? m)) (rising_lists L 1 m).

Lemma positive_of_rising : forall D, nondecreasing D -> 1 <= hd 1 D -> positive D.
Proof.
  unfold positive. induction D as [|s D IH]; intros Hrise H1; constructor; [exact H1|].
  simpl in H1. apply IH; (destruct D as [|s' D]; [simpl; auto | destruct Hrise; simpl; auto; lia]).
Qed.

Lemma up_to_span_listed : forall L m D, up_to_span L m D ->
  complete D /\ In D (all_up_to_span L m).
Proof.
  intros L m D [<- [Hone [Hrise <-]]].
  assert (H1 : 1 <= hd 1 D) by (destruct D; [discriminate | simpl in *; lia]).
  split; [split; [assumption | now apply positive_of_rising]|].
  unfold all_up_to_span. apply filter_In. split.
  - apply in_rising_lists; auto. now apply members_at_most_last.
  - now rewrite Hone, !Nat.eqb_refl.
Qed.

(** Divisor chains with s_L <= m. *)
Definition chain_within (L m : nat) (D : stack) : Prop :=
  length D = L /\ divisor_chain D /\ last D 0 <= m.

Fixpoint each_divides (D : stack) : bool :=
  match D with
  | s :: (s' :: _) as D' => (s' mod s =? 0) && each_divides D'
  | _ => true
  end.

(** The chains s | .. of so many dilations up to hi. *)
Fixpoint chains_from (k s hi : nat) : list stack :=
  match k with
  | 0 => [[s]]
  | S k' => flat_map (fun r => map (cons s) (chains_from k' (r * s) hi)) (seq 1 (hi / s))
  end.

Definition all_chains_within (L m : nat) : list stack := chains_from (L - 1) 1 m.

Lemma in_chains_from : forall D s hi, positive (s :: D) -> each_divides_next (s :: D) ->
  last (s :: D) 0 <= hi -> In (s :: D) (chains_from (length D) s hi).
Proof.
  induction D as [|s' D IH]; intros s hi Hpos Hchain Hlast; [now left|].
  inversion Hpos as [|? ? Hs Hpos']; subst. destruct Hchain as [[r ->] Hchain].
  change (last (s :: r * s :: D) 0) with (last (r * s :: D) 0) in Hlast.
  simpl length. cbn [chains_from]. apply in_flat_map. exists r.
  assert (Hrs : 0 < r * s) by now inversion Hpos'.
  assert (Htop : r * s <= hi).
  { transitivity (last (r * s :: D) 0); [|assumption].
    apply Nat.divide_pos_le; [|now apply divisor_chain_mean.head_divides_last].
    unfold positive in Hpos'. rewrite Forall_forall in Hpos'. apply Hpos'.
    rewrite (app_removelast_last 0 (l := r * s :: D)) at 2 by discriminate.
    apply in_or_app. simpl. auto. }
  split.
  - apply in_seq. assert (r <= hi / s) by (apply Nat.div_le_lower_bound; lia).
    destruct r; lia.
  - apply in_map. now apply IH.
Qed.

Lemma chain_within_listed : forall L m D, chain_within L m D ->
  complete D /\ In D (all_chains_within L m).
Proof.
  intros L m D [<- [[Hone [Hpos Hchain]] Hlast]]. split; [now split|].
  destruct D as [|s D]; [discriminate|]. simpl in Hone. subst s.
  unfold all_chains_within. replace (length (1 :: D) - 1) with (length D) by (simpl; lia).
  now apply in_chains_from.
Qed.

(** ** Minimality and optima, decided by computation *)

(** No stack of a list has a smaller sum than E. *)
Definition none_better (E : stack) (m : nat) (Ds : list stack) : bool :=
  forallb (fun D => total E m <=? total D m) Ds.

(** The pairs (L, M) with 2 <= M, least <= L and M^(L-1) <= most. *)
Definition pairs (least most : nat) : list (nat * nat) :=
  filter (fun p => (least <=? fst p) && (snd p ^ (fst p - 1) <=? most))
    (list_prod (seq 2 (Nat.log2 most)) (seq 2 (most - 1))).

Lemma pairs_complete : forall least most L M,
  2 <= L -> 2 <= M -> least <= L -> M ^ (L - 1) <= most -> In (L, M) (pairs least most).
Proof.
  intros least most L M HL HM Hleast Hmost. unfold pairs. apply filter_In. split.
  - apply in_prod; apply in_seq.
    + assert (2 ^ (L - 1) <= most)
        by (transitivity (M ^ (L - 1)); [now apply Nat.pow_le_mono_l | assumption]).
      assert (2 ^ (L - 1) <> 0) by (apply Nat.pow_nonzero; lia).
      assert (L - 1 <= Nat.log2 most) by (apply Nat.log2_le_pow2; lia). lia.
    + assert (M ^ 1 <= M ^ (L - 1)) by (apply Nat.pow_le_mono_r; lia).
      rewrite Nat.pow_1_r in *. lia.
  - simpl. apply andb_true_iff. now rewrite !Nat.leb_le.
Qed.

Lemma exponential_complete : forall L M, 1 <= L -> 1 <= M ->
  complete (exponential L M) /\ length (exponential L M) = L.
Proof.
  intros L M HL HM. destruct (exponential_in_class L M HL HM) as [[Hone [Hpos _]] [Hlen _]].
  repeat split; assumption.
Qed.

(** What no better stack means. *)
Lemma none_better_spec : forall (class : nat -> nat -> stack -> Prop) all L M,
  (forall D, class L (M ^ (L - 1)) D -> length D = L /\ complete D /\ In D (all L (M ^ (L - 1)))) ->
  1 <= L -> 1 <= M -> none_better (exponential L M) (M ^ (L - 1)) (all L (M ^ (L - 1))) = true ->
  forall D q q', class L (M ^ (L - 1)) D -> is_mean_recurrent_length D (M ^ (L - 1)) q ->
    is_mean_recurrent_length (exponential L M) (M ^ (L - 1)) q' -> (q' <= q)%Q.
Proof.
  intros class all L M Hclass HL HM Hnone D q q' HD Hq Hq'.
  destruct (Hclass D HD) as [Hlen [Hcomplete Hin]].
  destruct (exponential_complete L M HL HM) as [Hexp Hexplen].
  unfold none_better in Hnone. rewrite forallb_forall in Hnone.
  specialize (Hnone D Hin). apply Nat.leb_le in Hnone.
  apply (compare (exponential L M) D (M ^ (L - 1))); auto; [congruence|].
  apply Nat.neq_0_lt_0, Nat.pow_nonzero. lia.
Qed.

(** The stacks of a list whose sum is T, and none has less. *)
Definition same_stack (D E : stack) : bool := if list_eq_dec Nat.eq_dec D E then true else false.

Definition are_optima (T m : nat) (best Ds : list stack) : bool :=
  forallb (fun D => (T <? total D m) || ((T =? total D m) && existsb (same_stack D) best)) Ds
  && forallb (fun D => total D m =? T) best.

Lemma are_optima_spec : forall T m best Ds, are_optima T m best Ds = true ->
  forall D q v, complete D -> In D Ds -> 1 <= m -> is_mean_recurrent_length D m q ->
  (v == Qnat (length D) + Qnat T / Qnat m)%Q ->
  (v <= q)%Q /\ ((q == v)%Q <-> In D best).
Proof.
  intros T m best Ds Hopt D q v HD Hin Hm Hq ->. apply andb_true_iff in Hopt as [Hall Hbest].
  rewrite forallb_forall in Hall, Hbest. specialize (Hall D Hin).
  rewrite (complete_mean D m q HD Hm Hq). rewrite Qplus_le_r, Qplus_inj_l.
  rewrite Qnat_div_le, Qnat_div_eq by assumption.
  assert (Hthere : existsb (same_stack D) best = true -> In D best).
  { intros H. apply existsb_exists in H as [E [HE Hsame]]. unfold same_stack in Hsame.
    destruct (list_eq_dec Nat.eq_dec D E) as [->|]; [assumption | discriminate]. }
  apply orb_true_iff in Hall as [Hmore|Hequal].
  - apply Nat.ltb_lt in Hmore. split; [lia|]. split; [lia|].
    intros H. specialize (Hbest D H). apply Nat.eqb_eq in Hbest. lia.
  - apply andb_true_iff in Hequal as [Heq Hthere']. apply Nat.eqb_eq in Heq.
    split; [lia|]. split; [auto | lia].
Qed.

(** ** The theorems *)

Theorem divisibility_is_needed :
  (forall L M D q q', 2 <= L -> 2 <= M -> M ^ (L - 1) < 8 \/ (M ^ (L - 1) = 8 /\ L <> 4) ->
    up_to_span L (M ^ (L - 1)) D -> is_mean_recurrent_length D (M ^ (L - 1)) q ->
    is_mean_recurrent_length (exponential L M) (M ^ (L - 1)) q' -> (q' <= q)%Q) /\
  (forall D q, up_to_span 4 8 D -> is_mean_recurrent_length D 8 q ->
    (11 # 2 <= q)%Q /\ ((q == 11 # 2)%Q <-> In D [[1; 2; 5; 8]; [1; 3; 4; 8]])) /\
  is_mean_recurrent_length (exponential 4 2) 8 (45 # 8).
Proof.
  split; [|split].
  - intros L M D q q' HL HM Hm HD.
    assert (Hcheck : forallb (fun p => ((snd p ^ (fst p - 1) =? 8) && (fst p =? 4)) ||
      none_better (exponential (fst p) (snd p)) (snd p ^ (fst p - 1))
        (all_up_to_span (fst p) (snd p ^ (fst p - 1)))) (pairs 2 8) = true)
      by (vm_compute; reflexivity).
    rewrite forallb_forall in Hcheck.
    specialize (Hcheck (L, M) (pairs_complete 2 8 L M HL HM HL ltac:(lia))). simpl in Hcheck.
    apply (none_better_spec up_to_span all_up_to_span); auto; [| lia | lia |].
    + intros E HE. split; [now destruct HE | now apply up_to_span_listed].
    + apply orb_true_iff in Hcheck as [Hno|]; [|assumption].
      apply andb_true_iff in Hno as [H8 H4]. apply Nat.eqb_eq in H8, H4. lia.
  - intros D q HD Hq. destruct (up_to_span_listed 4 8 D HD) as [Hcomplete Hin].
    apply (are_optima_spec 12 8 [[1; 2; 5; 8]; [1; 3; 4; 8]] (all_up_to_span 4 8)
      ltac:(vm_compute; reflexivity) D q _ Hcomplete Hin ltac:(lia) Hq).
    destruct HD as [-> _]. reflexivity.
  - apply mean_by_brute_force; [repeat constructor | reflexivity | reflexivity].
Qed.

Theorem divisibility_is_needed_for_uniqueness :
  (forall L M D, 2 <= L -> 2 <= M -> M ^ (L - 1) < 4 \/ (M ^ (L - 1) = 4 /\ L <> 3) ->
    up_to_span L (M ^ (L - 1)) D -> D = exponential L M) /\
  (forall D q, up_to_span 3 4 D -> is_mean_recurrent_length D 4 q ->
    (17 # 4 <= q)%Q /\ ((q == 17 # 4)%Q <-> In D [[1; 2; 4]; [1; 3; 4]])).
Proof.
  split.
  - intros L M D HL HM Hm HD.
    assert (Hcheck : forallb (fun p => ((snd p ^ (fst p - 1) =? 4) && (fst p =? 3)) ||
      forallb (same_stack (exponential (fst p) (snd p)))
        (all_up_to_span (fst p) (snd p ^ (fst p - 1)))) (pairs 2 4) = true)
      by (vm_compute; reflexivity).
    rewrite forallb_forall in Hcheck.
    specialize (Hcheck (L, M) (pairs_complete 2 4 L M HL HM HL ltac:(lia))). simpl in Hcheck.
    destruct (up_to_span_listed _ _ D HD) as [_ Hin].
    apply orb_true_iff in Hcheck as [Hno|Hall].
    + apply andb_true_iff in Hno as [H4 H3]. apply Nat.eqb_eq in H4, H3. lia.
    + rewrite forallb_forall in Hall. specialize (Hall D Hin). unfold same_stack in Hall.
      destruct (list_eq_dec Nat.eq_dec (exponential L M) D); [congruence | discriminate].
  - intros D q HD Hq. destruct (up_to_span_listed 3 4 D HD) as [Hcomplete Hin].
    apply (are_optima_spec 5 4 [[1; 2; 4]; [1; 3; 4]] (all_up_to_span 3 4)
      ltac:(vm_compute; reflexivity) D q _ Hcomplete Hin ltac:(lia) Hq).
    destruct HD as [-> _]. reflexivity.
Qed.

(** No chain is better up to a span, from so many layers on; at that span so many are left out. *)
Definition chains_are_no_better (least most except : nat) : bool :=
  forallb (fun p => ((snd p ^ (fst p - 1) =? most) && (fst p =? except)) ||
    none_better (exponential (fst p) (snd p)) (snd p ^ (fst p - 1))
      (all_chains_within (fst p) (snd p ^ (fst p - 1)))) (pairs least most).

Lemma up_to_4 : chains_are_no_better 2 4 2 = true.
Proof. vm_cast_no_check (eq_refl true). Qed.

Lemma up_to_8 : chains_are_no_better 3 8 0 = true.
Proof. vm_cast_no_check (eq_refl true). Qed.

Lemma up_to_26 : chains_are_no_better 4 26 0 = true.
Proof. vm_cast_no_check (eq_refl true). Qed.

Lemma no_chain_better : forall least most (except : nat),
  chains_are_no_better least most except = true ->
  forall L M D q q', 2 <= L -> 2 <= M -> least <= L ->
    M ^ (L - 1) < most \/ (M ^ (L - 1) = most /\ L <> except) ->
    chain_within L (M ^ (L - 1)) D -> is_mean_recurrent_length D (M ^ (L - 1)) q ->
    is_mean_recurrent_length (exponential L M) (M ^ (L - 1)) q' -> (q' <= q)%Q.
Proof.
  intros least most except Hcheck L M D q q' HL HM Hleast Hm HD.
  unfold chains_are_no_better in Hcheck. rewrite forallb_forall in Hcheck.
  specialize (Hcheck (L, M) (pairs_complete least most L M HL HM Hleast ltac:(lia))).
  simpl in Hcheck.
  apply (none_better_spec chain_within all_chains_within); auto; [| lia | lia |].
  - intros E HE. split; [now destruct HE | now apply chain_within_listed].
  - apply orb_true_iff in Hcheck as [Hno|]; [|assumption].
    apply andb_true_iff in Hno as [H1 H2]. apply Nat.eqb_eq in H1, H2. lia.
Qed.

Theorem last_dilation_is_needed :
  ((forall L M D q q', 2 <= L -> 2 <= M -> M ^ (L - 1) < 4 \/ (M ^ (L - 1) = 4 /\ L <> 2) ->
     chain_within L (M ^ (L - 1)) D -> is_mean_recurrent_length D (M ^ (L - 1)) q ->
     is_mean_recurrent_length (exponential L M) (M ^ (L - 1)) q' -> (q' <= q)%Q) /\
   (forall D q, chain_within 2 4 D -> is_mean_recurrent_length D 4 q ->
     (7 # 2 <= q)%Q /\ ((q == 7 # 2)%Q <-> In D [[1; 2]; [1; 3]])) /\
   is_mean_recurrent_length (exponential 2 4) 4 (15 # 4)) /\
  ((forall L M D q q', 3 <= L -> 2 <= M -> M ^ (L - 1) < 9 ->
     chain_within L (M ^ (L - 1)) D -> is_mean_recurrent_length D (M ^ (L - 1)) q ->
     is_mean_recurrent_length (exponential L M) (M ^ (L - 1)) q' -> (q' <= q)%Q) /\
   (forall D q, chain_within 3 9 D -> is_mean_recurrent_length D 9 q ->
     (44 # 9 <= q)%Q /\ ((q == 44 # 9)%Q <-> In D [[1; 2; 4]; [1; 2; 6]; [1; 3; 6]])) /\
   is_mean_recurrent_length (exponential 3 3) 9 (46 # 9)) /\
  ((forall L M D q q', 4 <= L -> 2 <= M -> M ^ (L - 1) < 27 ->
     chain_within L (M ^ (L - 1)) D -> is_mean_recurrent_length D (M ^ (L - 1)) q ->
     is_mean_recurrent_length (exponential L M) (M ^ (L - 1)) q' -> (q' <= q)%Q) /\
   chain_within 4 27 [1; 2; 4; 12] /\
   is_mean_recurrent_length [1; 2; 4; 12] 27 (20 # 3) /\
   is_mean_recurrent_length (exponential 4 3) 27 (190 # 27)).
Proof.
  repeat match goal with |- _ /\ _ => split end.
  - intros L M D q q' HL HM.
    now apply (no_chain_better 2 4 2 up_to_4).
  - intros D q HD Hq. destruct (chain_within_listed 2 4 D HD) as [Hcomplete Hin].
    apply (are_optima_spec 6 4 [[1; 2]; [1; 3]] (all_chains_within 2 4)
      ltac:(vm_compute; reflexivity) D q _ Hcomplete Hin ltac:(lia) Hq).
    destruct HD as [-> _]. reflexivity.
  - apply mean_by_brute_force; [repeat constructor | reflexivity | reflexivity].
  - intros L M D q q' HL HM Hm.
    apply (no_chain_better 3 8 0 up_to_8); lia.
  - intros D q HD Hq. destruct (chain_within_listed 3 9 D HD) as [Hcomplete Hin].
    apply (are_optima_spec 17 9 [[1; 2; 4]; [1; 2; 6]; [1; 3; 6]] (all_chains_within 3 9)
      ltac:(vm_compute; reflexivity) D q _ Hcomplete Hin ltac:(lia) Hq).
    destruct HD as [-> _]. reflexivity.
  - apply mean_by_brute_force; [repeat constructor | reflexivity | reflexivity].
  - intros L M D q q' HL HM Hm.
    apply (no_chain_better 4 26 0 up_to_26); lia.
  - split; [reflexivity|]. split; [|simpl; lia]. split; [reflexivity|].
    split; [repeat constructor|]. repeat split; [now exists 2 | now exists 2 | now exists 3].
  - apply mean_by_brute_force; [repeat constructor | vm_compute; reflexivity | vm_compute; reflexivity].
  - apply mean_by_brute_force; [repeat constructor | vm_compute; reflexivity | vm_compute; reflexivity].
Qed.

(** ** Examples *)

(** 36 stacks from 1 to 8 with four layers. *)
Example thirty_six : length (all_up_to_span 4 8) = 36.
Proof. reflexivity. Qed.

Print Assumptions divisibility_is_needed.
Print Assumptions divisibility_is_needed_for_uniqueness.
Print Assumptions last_dilation_is_needed.
