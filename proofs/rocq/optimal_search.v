(** * A search for all optimal dilations, proved complete

    The search goes through the increasing lists of dilations from 1 to m and leaves out what
    the pruning bound excludes.  It computes on lists of unary numbers: the fewest coins of the lags
    0..m, to which one dilation after the other is added.  Whatever stack has the least mean, the
    dilations that it uses are on the list that the search returns: stacks with repeated dilations,
    or with dilations beyond the span, included. *)

From Coq Require Import Arith List Lia QArith Bool Permutation.
From drnn_theory Require Import stack fewest_coins eventual_periodicity counting pruning_bound.
Import ListNotations.
Open Scope nat_scope.

(** ** What a payment uses *)

(** Coins of value 0 can be left out. *)
Lemma without_zeros : forall cs,
  list_sum (filter (Nat.ltb 0) cs) = list_sum cs /\ length (filter (Nat.ltb 0) cs) <= length cs.
Proof.
  induction cs as [|c cs [Hsum Hlen]]; [now split|].
  destruct c as [|c]; simpl; unfold list_sum in *; simpl; lia.
Qed.

Lemma coin_at_most_sum : forall cs c, In c cs -> c <= list_sum cs.
Proof.
  unfold list_sum. induction cs as [|c' cs IH]; intros c Hc; simpl in *; [tauto|].
  destruct Hc as [->|Hc]; [lia|]. specialize (IH c Hc). lia.
Qed.

(** What can be paid with one stack can be paid with another that has its dilations 1..m. *)
Lemma pays_with_more : forall D D' m n ks,
  (forall s, 1 <= s <= m -> In s D -> In s D') -> n <= m -> pays D ks n ->
  exists ks', pays D' ks' n /\ list_sum ks' <= list_sum ks.
Proof.
  intros D D' m n ks Hin Hn [Hlen Hval].
  destruct (coins_of_counts D ks Hlen) as [cs [Hcs [Hsum Hnum]]].
  destruct (without_zeros cs) as [Hsum' Hfewer].
  destruct (counts_of_coins D' (filter (Nat.ltb 0) cs)) as [ks' [Hpays Hks']].
  - intros c Hc. pose proof (coin_at_most_sum _ _ Hc) as Hle. apply filter_In in Hc as [Hc Hpos].
    apply Nat.ltb_lt in Hpos. apply Hin; [lia | now apply Hcs].
  - exists ks'. rewrite Hsum', Hsum, Hval in Hpays. split; [assumption | lia].
Qed.

(** Only the dilations 1..m matter for the lags up to m: not their order, nor how often. *)
Lemma fewest_same_members : forall D D' m n k,
  (forall s, 1 <= s <= m -> (In s D <-> In s D')) -> n <= m -> fewest D n k -> fewest D' n k.
Proof.
  intros D D' m n k Hsame Hn [[ks [Hks Hsum]] Hmin].
  assert (Hback : forall js, pays D' js n -> k <= list_sum js).
  { intros js Hjs. destruct (pays_with_more D' D m n js) as [js' [Hjs' Hle]]; auto.
    - intros s Hs. now apply Hsame.
    - specialize (Hmin _ Hjs'). lia. }
  split; [|assumption].
  destruct (pays_with_more D D' m n ks) as [ks' [Hks' Hle]]; auto.
  - intros s Hs. now apply Hsame.
  - exists ks'. split; [assumption|]. specialize (Hback _ Hks'). lia.
Qed.

(** A dilation is a lag that takes one coin, and one coin pays nothing else. *)
Lemma one_coin : forall D n, 1 <= n -> (In n D <-> exists k, fewest D n k /\ k <= 1).
Proof.
  intros D n Hn. split.
  - intros Hin. destruct (counts_of_coins D [n]) as [ks [Hpays Hone]].
    { intros c [<-|[]]. assumption. }
    change (list_sum [n]) with (n + 0) in Hpays. rewrite Nat.add_0_r in Hpays. simpl in Hone.
    exists 1. split; [|lia]. split; [now exists ks|].
    intros js [Hlen Hval]. destruct (list_sum js) eqn:H0; [|lia].
    rewrite (value_of_no_coins D js H0) in Hval. lia.
  - intros [k [[[ks [[Hlen Hval] Hsum]] _] Hk]].
    destruct (coins_of_counts D ks Hlen) as [cs [Hcs [Hcsum Hnum]]].
    destruct cs as [|c [|c' cs]]; unfold list_sum in *; simpl in *; [lia| |lia].
    apply Hcs. left. lia.
Qed.

(** ** Profiles *)

(** [l] lists the fewest coins of the lags 0..m. *)
Definition is_profile (D : stack) (m : nat) (l : list nat) : Prop :=
  length l = S m /\ forall n, n <= m -> fewest D n (nth n l 0).

(** [front] and then [back] reversed are the numbers of the last s lags; the next lags have what
    they had, or one coin more than s lags before. *)
Fixpoint extend_from (old front back : list nat) : list nat :=
  match old with
  | [] => []
  | x :: old' =>
      match front with
      | y :: front' =>
          let z := Nat.min x (S y) in z :: extend_from old' front' (z :: back)
      | [] =>
          match rev_append back [] with
          | y :: front' => let z := Nat.min x (S y) in z :: extend_from old' front' [z]
          | [] => old
          end
      end
  end.

(** Add the dilation s. *)
Definition extend (s : nat) (l : list nat) : list nat :=
  firstn s l ++ extend_from (skipn s l) (firstn s l) [].

Lemma length_extend_from : forall old front back,
  length (extend_from old front back) = length old.
Proof.
  induction old as [|x old IH]; intros front back; [reflexivity|]. simpl.
  destruct front as [|y front]; [destruct (rev_append back []) as [|y front]|];
    simpl; rewrite ?IH; reflexivity.
Qed.

(** One number after the other, from the queue followed by what comes out. *)
Lemma nth_extend_from : forall old front back, front ++ rev back <> [] ->
  forall i, i < length old ->
  nth i (extend_from old front back) 0 =
  Nat.min (nth i old 0) (S (nth i ((front ++ rev back) ++ extend_from old front back) 0)).
Proof.
  induction old as [|x old IH]; intros front back Hqueue i Hi; [simpl in Hi; lia|].
  destruct front as [|y front].
  - simpl extend_from. simpl app in Hqueue |- *. rewrite rev_append_rev, app_nil_r.
    destruct (rev back) as [|y front]; [congruence|].
    destruct i as [|i]; [reflexivity|]. simpl in Hi.
    cbn [nth app]. rewrite IH by (simpl; auto using app_cons_not_nil || (intros H; now apply app_eq_nil in H) || lia).
    simpl rev. now rewrite <- app_assoc.
  - simpl extend_from. destruct i as [|i]; [reflexivity|]. simpl in Hi.
    cbn [nth app]. rewrite IH by ((simpl; intros H; apply app_eq_nil in H as [_ H]; now apply app_eq_nil in H) || lia).
    simpl rev. now rewrite app_assoc, <- app_assoc.
Qed.

Lemma length_extend : forall s l, length (extend s l) = length l.
Proof.
  intros. unfold extend. rewrite app_length, length_extend_from, <- app_length.
  now rewrite firstn_skipn.
Qed.

Lemma nth_extend_below : forall s l n, n < s -> n < length l -> nth n (extend s l) 0 = nth n l 0.
Proof.
  intros s l n Hn Hlen. unfold extend. rewrite app_nth1 by (rewrite firstn_length; lia).
  rewrite <- (firstn_skipn s l) at 2. rewrite app_nth1 by (rewrite firstn_length; lia). reflexivity.
Qed.

Lemma nth_extend_above : forall s l n, 1 <= s -> s <= n < length l ->
  nth n (extend s l) 0 = Nat.min (nth n l 0) (S (nth (n - s) (extend s l) 0)).
Proof.
  intros s l n Hs [Hn Hlen].
  assert (Hfirst : length (firstn s l) = s) by (rewrite firstn_length; lia).
  assert (Hnew : nth n (extend s l) 0 = nth (n - s) (extend_from (skipn s l) (firstn s l) []) 0).
  { unfold extend. rewrite app_nth2, Hfirst by lia. reflexivity. }
  rewrite Hnew, nth_extend_from.
  - rewrite app_nil_r. fold (extend s l). f_equal.
    rewrite <- (firstn_skipn s l) at 2. rewrite app_nth2, Hfirst by lia. reflexivity.
  - rewrite app_nil_r. intros H. rewrite H in Hfirst. simpl in Hfirst. lia.
  - rewrite skipn_length. lia.
Qed.

(** The fewest coins with one dilation more. *)
Lemma fewest_extended : forall D s n k k', 1 <= s -> s <= n ->
  fewest D n k -> fewest (s :: D) (n - s) k' -> fewest (s :: D) n (Nat.min k (S k')).
Proof.
  intros D s n k k' Hs Hn [[ks [[Hlen Hval] Hsum]] Hmin] [[js [[Hlen' Hval'] Hsum']] Hmin'].
  split.
  - destruct (Nat.min_spec k (S k')) as [[_ ->]|[_ ->]].
    + exists (0 :: ks). repeat split; simpl; [congruence | lia | assumption].
    + destruct js as [|j js]; [discriminate|]. exists (S j :: js).
      rewrite list_sum_cons in *. simpl in Hlen', Hval'. repeat split; simpl; lia.
  - intros [|i is] [Hleni Hvali]; [discriminate|]. simpl in Hleni, Hvali.
    injection Hleni as Hleni. rewrite list_sum_cons. destruct i as [|i].
    + specialize (Hmin is (conj Hleni Hvali)). lia.
    + specialize (Hmin' (i :: is)). rewrite list_sum_cons in Hmin'.
      enough (k' <= i + list_sum is) by lia. apply Hmin'. split; simpl; [congruence | lia].
Qed.

Lemma profile_extend : forall D m l s, 1 <= s ->
  is_profile D m l -> is_profile (s :: D) m (extend s l).
Proof.
  intros D m l s Hs [Hlen Hl]. split; [now rewrite length_extend|].
  intros n. induction n as [n IH] using lt_wf_ind. intros Hn.
  destruct (Nat.lt_ge_cases n s) as [Hbelow|Habove].
  - rewrite nth_extend_below by lia. destruct (Hl n Hn) as [[ks [[Hk Hv] Hsum]] Hmin].
    split; [exists (0 :: ks); repeat split; simpl; [congruence | lia | assumption]|].
    intros [|i is] [Hleni Hvali]; [discriminate|]. simpl in Hleni, Hvali.
    assert (i = 0) as -> by nia. apply (Hmin is). split; [congruence | lia].
  - rewrite nth_extend_above by lia.
    apply fewest_extended; [lia | lia | auto | apply IH; lia].
Qed.

(** With dilation 1 alone every lag takes as many coins as it has steps. *)
Lemma profile_of_1 : forall m, is_profile [1] m (seq 0 (S m)).
Proof.
  intros m. split; [apply seq_length|]. intros n Hn. rewrite seq_nth by lia. simpl plus.
  split.
  - exists [n]. unfold list_sum. repeat split; simpl; lia.
  - intros [|k [|? ?]] [Hlen Hval]; try discriminate. unfold list_sum. simpl in *. lia.
Qed.

(** The profile of a whole stack whose first dilation is 1. *)
Definition profile (m : nat) (D : stack) : list nat :=
  fold_left (fun l s => extend s l) (tl D) (seq 0 (S m)).

Lemma profile_is_profile : forall m D, Forall (fun s => 1 <= s) D -> hd 0 D = 1 ->
  is_profile D m (profile m D).
Proof.
  intros m [|s D] Hpos Hone; [discriminate|]. simpl in Hone. subst s.
  unfold profile. simpl tl. inversion Hpos as [|? ? _ Hpos']. subst.
  assert (H : forall D P l, Forall (fun s => 1 <= s) D -> is_profile P m l ->
    is_profile (rev D ++ P) m (fold_left (fun l s => extend s l) D l)).
  { clear. induction D as [|s D IH]; intros P l Hpos Hl; [assumption|].
    inversion Hpos; subst. simpl. rewrite <- app_assoc. apply IH; [assumption|].
    now apply profile_extend. }
  destruct (H D [1] _ Hpos' (profile_of_1 m)) as [Hlen Hl]. split; [assumption|].
  intros n Hn. apply (fewest_same_members (rev D ++ [1]) _ m); auto.
  intros s _. rewrite in_app_iff, <- in_rev. simpl. tauto.
Qed.

(** ** Tables of one profile *)

(** Add one to the entries from index x on. *)
Fixpoint add_from (x : nat) (row : list nat) : list nat :=
  match x, row with
  | 0, _ => map S row
  | S x', y :: row' => y :: add_from x' row'
  | S _, [] => []
  end.

(** Add one to the entries below index x. *)
Fixpoint add_below (x : nat) (row : list nat) : list nat :=
  match x, row with
  | 0, _ => row
  | S x', y :: row' => S y :: add_below x' row'
  | S _, [] => []
  end.

Lemma nth_map_S : forall row i, i < length row -> nth i (map S row) 0 = S (nth i row 0).
Proof.
  induction row as [|y row IH]; intros i Hi; [simpl in Hi; lia|].
  destruct i as [|i]; [reflexivity|]. simpl in *. apply IH. lia.
Qed.

Lemma nth_add_from : forall row x i, i < length row ->
  nth i (add_from x row) 0 = nth i row 0 + (if x <=? i then 1 else 0).
Proof.
  induction row as [|y row IH]; intros x i Hi; [simpl in Hi; lia|].
  destruct x as [|x].
  - change (add_from 0 (y :: row)) with (map S (y :: row)). rewrite nth_map_S by assumption.
    simpl (0 <=? i). cbv iota. lia.
  - destruct i as [|i]; simpl; [lia|]. simpl in Hi. rewrite IH by lia. reflexivity.
Qed.

Lemma length_add_from : forall row x, length (add_from x row) = length row.
Proof.
  induction row as [|y row IH]; intros [|x]; try reflexivity; simpl; [now rewrite map_length|].
  now rewrite IH.
Qed.

Lemma nth_add_below : forall row x i, i < length row ->
  nth i (add_below x row) 0 = (if i <? x then 1 else 0) + nth i row 0.
Proof.
  induction row as [|y row IH]; intros x i Hi; [simpl in Hi; lia|].
  destruct x as [|x]; [now destruct i|]. destruct i as [|i]; [reflexivity|].
  simpl in Hi. simpl nth. rewrite IH by lia. reflexivity.
Qed.

Lemma length_add_below : forall row x, length (add_below x row) = length row.
Proof. induction row as [|y row IH]; intros [|x]; try reflexivity. simpl. now rewrite IH. Qed.

(** Row n counts the lags up to n that take at most 0, 1, .. coins. *)
Fixpoint cheap_rows (l row : list nat) : list (list nat) :=
  match l with
  | [] => []
  | x :: l' => let row' := add_from x row in row' :: cheap_rows l' row'
  end.

Lemma length_cheap_rows : forall l row, length (cheap_rows l row) = length l.
Proof. induction l as [|x l IH]; intros row; [reflexivity|]. simpl. now rewrite IH. Qed.

Lemma nth_cheap_rows : forall l row n i, i < length row -> n < length l ->
  nth i (nth n (cheap_rows l row) []) 0 =
  nth i row 0 + number (fun x => x <=? i) (firstn (S n) l).
Proof.
  induction l as [|x l IH]; intros row n i Hi Hn; [simpl in Hn; lia|].
  simpl cheap_rows. simpl firstn. rewrite number_cons. destruct n as [|n].
  - simpl nth at 2. rewrite nth_add_from by assumption. unfold number. simpl. lia.
  - simpl in Hn. simpl nth at 2. rewrite IH by (rewrite ?length_add_from; lia).
    rewrite nth_add_from by assumption. simpl firstn. lia.
Qed.

(** Row n counts the lags from n on that take more than 0, 1, .. coins. *)
Fixpoint dear_rows (J : nat) (l : list nat) : list (list nat) :=
  match l with
  | [] => []
  | x :: l' =>
      let rows := dear_rows J l' in
      add_below x (match rows with row :: _ => row | [] => repeat 0 J end) :: rows
  end.

Lemma length_dear_rows : forall J l, length (dear_rows J l) = length l.
Proof. intros J. induction l as [|x l IH]; [reflexivity|]. simpl. now rewrite IH. Qed.

Lemma dear_rows_spec : forall J l n, n < length l ->
  length (nth n (dear_rows J l) []) = J /\
  forall i, i < J -> nth i (nth n (dear_rows J l) []) 0 = number (fun x => i <? x) (skipn n l).
Proof.
  intros J. induction l as [|x l IH]; intros n Hn; [simpl in Hn; lia|].
  simpl in Hn. destruct n as [|n]; [|simpl; apply IH; lia].
  simpl. destruct l as [|y l].
  - simpl. rewrite length_add_below, repeat_length. split; [reflexivity|].
    intros i Hi. rewrite nth_add_below by (rewrite repeat_length; lia).
    rewrite number_cons, nth_repeat. reflexivity.
  - destruct (IH 0 ltac:(simpl; lia)) as [Hlen Hrow].
    destruct (dear_rows J (y :: l)) as [|row rows] eqn:Hrows; [discriminate|]. simpl in Hlen, Hrow.
    rewrite length_add_below. split; [assumption|].
    intros i Hi. rewrite nth_add_below, Hrow, (number_cons _ x) by lia. reflexivity.
Qed.

(** ** The pruning bound on these tables *)

(** n - c * y, by repeated subtraction. *)
Fixpoint minus_times (c y n : nat) : nat :=
  match c with
  | 0 => n
  | S c' => match n with 0 => 0 | S _ => minus_times c' y (n - y) end
  end.

Lemma minus_times_spec : forall c y n, minus_times c y n = n - c * y.
Proof.
  induction c as [|c IH]; intros y n; simpl; [lia|]. destruct n as [|n]; [reflexivity|].
  rewrite IH. lia.
Qed.

Fixpoint spend (c : nat) (row left : list nat) : list nat :=
  match left, row with
  | x :: left', y :: row' => minus_times c y x :: spend c row' left'
  | _, _ => left
  end.

Lemma nth_spend : forall row c left i, nth i (spend c row left) 0 = nth i left 0 - c * nth i row 0.
Proof.
  induction row as [|y row IH]; intros c [|x left] i.
  - now destruct i.
  - replace (nth i [] 0) with 0 by now destruct i. simpl spend. lia.
  - now destruct i.
  - destruct i as [|i]; simpl; [apply minus_times_spec | apply IH].
Qed.

Lemma length_spend : forall row c left, length (spend c row left) = length left.
Proof. induction row as [|y row IH]; intros c [|x left]; try reflexivity. simpl. now rewrite IH. Qed.

(** From what P alone leaves dear at each level, subtract what b = 1, 2, .. coins of R may make
    cheap.  [rows] are the counts of cheap lags from m down; [ways] the binomials. *)
Fixpoint remaining (ways : list nat) (s : nat) (rows : list (list nat)) (left : list nat)
  : list nat :=
  match ways with
  | [] => left
  | c :: ways' =>
      match left with
      | [] => []
      | x :: left' =>
          match skipn s rows with
          | [] => left
          | (row :: _) as rows' => x :: remaining ways' s rows' (spend c row left')
          end
      end
  end.

Lemma nth_skipn : forall (A : Type) (ls : list A) a b d, nth b (skipn a ls) d = nth (a + b) ls d.
Proof.
  intros A. induction ls as [|x ls IH]; intros [|a] b d; try reflexivity.
  - simpl. now destruct b.
  - simpl. apply IH.
Qed.

Lemma nth_remaining : forall ways s rows left j,
  nth j left 0 <= nth j (remaining ways s rows left) 0 +
    list_sum (map (fun b => nth (b - 1) ways 0 * nth (j - b) (nth (b * s) rows []) 0) (seq 1 j)) /\
  nth j (remaining ways s rows left) 0 = nth j left 0 -
    list_sum (map (fun b => nth (b - 1) ways 0 * nth (j - b) (nth (b * s) rows []) 0) (seq 1 j)).
Proof.
  intros ways s rows left j.
  enough (H : nth j (remaining ways s rows left) 0 = nth j left 0 -
    list_sum (map (fun b => nth (b - 1) ways 0 * nth (j - b) (nth (b * s) rows []) 0) (seq 1 j)))
    by lia.
  revert s rows left j. induction ways as [|c ways IH]; intros s rows left j.
  - simpl. replace (list_sum _) with 0; [lia|]. symmetry. clear.
    induction (seq 1 j) as [|b bs IH]; [reflexivity|].
    cbn [map]. rewrite list_sum_cons, IH. now destruct (b - 1).
  - simpl remaining. destruct left as [|x left]; [now destruct j|].
    destruct (skipn s rows) as [|row rows'] eqn:Hrows.
    + replace (list_sum _) with 0; [lia|]. symmetry.
      assert (Hnone : forall b, 1 <= b -> nth (b * s) rows [] = []).
      { intros b Hb. apply nth_overflow. apply (f_equal (@length (list nat))) in Hrows.
        rewrite skipn_length in Hrows. simpl in Hrows. nia. }
      assert (H : forall bs, (forall b, In b bs -> 1 <= b) -> list_sum (map (fun b =>
        nth (b - 1) (c :: ways) 0 * nth (j - b) (nth (b * s) rows []) 0) bs) = 0).
      { induction bs as [|b bs IHb]; intros Hall; [reflexivity|].
        cbn [map]. rewrite list_sum_cons, IHb by (intros; apply Hall; now right).
        rewrite Hnone by (apply Hall; now left). destruct (j - b); simpl; lia. }
      apply H. intros b Hb. apply in_seq in Hb. lia.
    + destruct j as [|j]; [simpl; lia|].
      change (nth (S j) (x :: left) 0) with (nth j left 0).
      match goal with |- nth (S j) (x :: ?rest) 0 = ?right =>
        change (nth j rest 0 = right) end.
      change (seq 1 (S j)) with (1 :: seq 2 j).
      rewrite IH, nth_spend, map_cons, list_sum_cons, <- (seq_shift j 1), map_map.
      assert (Hrow : row = nth (1 * s) rows []).
      { pose proof (nth_skipn _ rows s 0 []) as H. rewrite Hrows, Nat.add_0_r in H.
        now rewrite Nat.mul_1_l. }
      replace (S j - 1) with j by lia. rewrite <- Hrow.
      change (nth (1 - 1) (c :: ways) 0) with c.
      replace (list_sum (map (fun b => nth (S b - 1) (c :: ways) 0
          * nth (S j - S b) (nth (S b * s) rows []) 0) (seq 1 j)))
        with (list_sum (map (fun b => nth (b - 1) ways 0
          * nth (j - b) (nth (b * s) (row :: rows') []) 0) (seq 1 j))); [lia|].
      f_equal. apply map_ext_in. intros b Hb. apply in_seq in Hb.
      rewrite <- Hrows, nth_skipn. replace (s + b * s) with (S b * s) by lia.
      replace (S b - 1) with (S (b - 1)) by lia.
      replace (S j - S b) with (j - b) by lia. reflexivity.
Qed.

Lemma length_remaining : forall ways s rows left,
  length (remaining ways s rows left) = length left.
Proof.
  induction ways as [|c ways IH]; intros s rows left; [reflexivity|].
  destruct left as [|x left]; [reflexivity|]. simpl. destruct (skipn s rows) as [|row rows'];
    [reflexivity|]. simpl. now rewrite IH, length_spend.
Qed.

(** Is the sum at most the budget? *)
Fixpoint fits (budget : nat) (ls : list nat) : bool :=
  match ls with
  | [] => true
  | x :: ls' => if x <=? budget then fits (budget - x) ls' else false
  end.

Lemma fits_spec : forall ls budget, fits budget ls = true <-> list_sum ls <= budget.
Proof.
  unfold list_sum. induction ls as [|x ls IH]; intros budget; simpl; [split; [lia | reflexivity]|].
  destruct (Nat.leb_spec x budget).
  - rewrite IH. lia.
  - split; [discriminate | lia].
Qed.

(** ** The search *)

(** C(b + r - 1, r - 1) for b = 1, 2, .. *)
Definition ways (r J : nat) : list nat :=
  map (fun b => binomial (b + r - 1) (r - 1)) (seq 1 J).

(** Every dilation from s on until the bound forbids it and all larger ones, each with what
    [deeper] makes of it; [budget] is T less the fewest coins of the lags below s. *)
Fixpoint candidates (deeper : nat -> list stack) (binomials : list nat) (rows : list (list nat))
    (rest : list nat) (dear : list (list nat)) (s budget : nat) : list stack :=
  match rest, dear with
  | x :: rest', row :: dear' =>
      if fits budget (remaining binomials s rows row) then
        deeper s
        ++ (if x <=? budget then candidates deeper binomials rows rest' dear' (S s) (budget - x)
            else [])
      else []
  | _, _ => []
  end.

(** All increasing completions of P by r dilations from s to m whose sum of fewest coins is T at
    most, the dilations in falling order; [l] is the profile of P.  J levels are used to prune. *)
Fixpoint search (J T r : nat) (P : stack) (l : list nat) (s : nat) : list stack :=
  match r with
  | 0 => if fits T l then [P] else []
  | S r' =>
      candidates (fun s' => search J T r' (s' :: P) (extend s' l) (S s'))
        (ways r J) (rev_append (cheap_rows l (repeat 0 J)) [])
        (skipn s l) (skipn s (dear_rows J l)) s (T - list_sum (firstn s l))
  end.

(** ** The search is complete *)

Lemma list_as_map : forall l : list nat, l = map (fun n => nth n l 0) (seq 0 (length l)).
Proof.
  induction l as [|x l IH]; [reflexivity|]. simpl. f_equal.
  rewrite <- seq_shift, map_map. exact IH.
Qed.

Lemma firstn_as_map : forall (l : list nat) k, k <= length l ->
  firstn k l = map (fun n => nth n l 0) (seq 0 k).
Proof.
  intros l k Hk. rewrite (list_as_map l) at 1. rewrite firstn_map. f_equal.
  replace (length l) with (k + (length l - k)) by lia. rewrite seq_app.
  rewrite firstn_app, seq_length, Nat.sub_diag. simpl. rewrite app_nil_r.
  replace k with (length (seq 0 k)) at 1 by apply seq_length. apply firstn_all.
Qed.

Lemma skipn_as_map : forall (l : list nat) k, k <= length l ->
  skipn k l = map (fun n => nth n l 0) (seq k (length l - k)).
Proof.
  intros l k Hk. pose proof (firstn_skipn k l) as H. rewrite (list_as_map l) in H at 3.
  replace (length l) with (k + (length l - k)) in H by lia. rewrite seq_app, map_app in H.
  rewrite <- firstn_as_map in H by assumption. now apply app_inv_head in H.
Qed.

Lemma number_map : forall test (f : nat -> nat) ls,
  number test (map f ls) = number (fun n => test (f n)) ls.
Proof.
  intros test f. induction ls as [|n ls IH]; [reflexivity|].
  simpl map. now rewrite !number_cons, IH.
Qed.

Lemma fewest_of_0 : forall D k, fewest D 0 k -> k = 0.
Proof.
  intros D k [_ Hmin]. destruct (no_coins D) as [Hpays Hsum]. specialize (Hmin _ Hpays). lia.
Qed.

Lemma nth_map_seq : forall (f : nat -> nat) k a i, i < k ->
  nth i (map f (seq a k)) 0 = f (a + i).
Proof.
  intros f. induction k as [|k IH]; intros a i Hi; [lia|].
  destruct i as [|i]; simpl; [f_equal; lia|]. rewrite IH by lia. f_equal. lia.
Qed.

(** What the program computes at s is a lower bound on the sum. *)
Lemma bound_holds : forall P R m l s J (c : nat -> nat),
  is_profile P m l -> R <> [] -> (forall x, In x R -> s <= x) -> 1 <= s <= m ->
  (forall n, n <= m -> fewest (P ++ R) n (c n)) ->
  list_sum (firstn s l)
  + list_sum (remaining (ways (length R) J) s (rev_append (cheap_rows l (repeat 0 J)) [])
      (nth s (dear_rows J l) [])) <= list_sum (map c (seq 0 (S m))).
Proof.
  intros P R m l s J c [Hlen Hl] HR Hlarge Hs Hc.
  replace (S m) with (s + (m + 1 - s)) by lia. rewrite seq_app. simpl (0 + s).
  rewrite map_app, list_sum_app. apply Nat.add_le_mono.
  - rewrite firstn_as_map by lia. apply sum_le. intros n Hn. apply in_seq in Hn.
    apply Nat.eq_le_incl, (fewest_unique P n); [apply Hl; lia|].
    apply (settled P R s); [assumption | lia | apply Hc; lia].
  - set (rows := rev_append (cheap_rows l (repeat 0 J)) []).
    destruct (dear_rows_spec J l s ltac:(lia)) as [Hdear Hrow].
    set (left := nth s (dear_rows J l) []) in *.
    assert (Hwidth : length (remaining (ways (length R) J) s rows left) = J)
      by now rewrite length_remaining.
    rewrite (list_as_map (remaining (ways (length R) J) s rows left)), Hwidth.
    etransitivity; [|apply (sum_by_levels c J)]. apply sum_le. intros i Hi. apply in_seq in Hi.
    destruct (nth_remaining (ways (length R) J) s rows left i) as [_ ->].
    rewrite Hrow by lia.
    pose proof (few_are_cheap P R (fun p j => nth p l 0 <=? j) s m i c HR Hlarge) as Hfew.
    specialize (Hfew ltac:(intros p ks k Hp Hks Hle; apply Nat.leb_le;
      destruct (Hl p Hp) as [_ Hmin]; specialize (Hmin ks Hks); lia)).
    specialize (Hfew ltac:(intros n Hn; apply Hc; lia)).
    replace (number (fun x => i <? x) (skipn s l))
      with (number (fun n => negb (nth n l 0 <=? i)) (seq s (m + 1 - s))).
    + enough (made_cheap (fun p j => nth p l 0 <=? j) (length R) s m i <=
        list_sum (map (fun b => nth (b - 1) (ways (length R) J) 0
          * nth (i - b) (nth (b * s) rows []) 0) (seq 1 i))) by lia.
      unfold made_cheap. apply sum_le. intros b Hb. apply in_seq in Hb.
      apply Nat.mul_le_mono.
      * unfold ways. rewrite nth_map_seq by lia. replace (1 + (b - 1)) with b by lia. lia.
      * destruct (Nat.le_gt_cases (b * s) m) as [Hin|Hout].
        -- unfold rows. rewrite rev_append_rev, app_nil_r.
           rewrite rev_nth by (rewrite length_cheap_rows; lia).
           rewrite length_cheap_rows, Hlen.
           rewrite nth_cheap_rows by (rewrite ?repeat_length; lia).
           rewrite firstn_as_map, number_map by lia.
           replace (S (S m - S (b * s))) with (m + 1 - b * s) by lia. lia.
        -- replace (m + 1 - b * s) with 0 by lia. unfold number. simpl. lia.
    + rewrite skipn_as_map, number_map, Hlen by lia.
      replace (S m - s) with (m + 1 - s) by lia. apply number_ext.
      intros n _. symmetry. apply Nat.ltb_antisym.
Qed.

(** A candidate is reached if the bound lets all before it pass. *)
Lemma candidates_reach : forall deeper binomials rows target k rest dear s budget,
  k < length rest -> k < length dear ->
  (forall i, i <= k -> list_sum (firstn i rest)
    + list_sum (remaining binomials (s + i) rows (nth i dear [])) <= budget) ->
  In target (deeper (s + k)) ->
  In target (candidates deeper binomials rows rest dear s budget).
Proof.
  intros deeper binomials rows target. induction k as [|k IH];
    intros [|x rest] [|row dear] s budget Hrest Hdear Hall Hin; simpl in Hrest, Hdear; try lia.
  - simpl. specialize (Hall 0 ltac:(lia)). rewrite Nat.add_0_r in *. simpl in Hall.
    rewrite (proj2 (fits_spec _ _)) by assumption. apply in_or_app. now left.
  - simpl. pose proof (Hall 0 ltac:(lia)) as H0. rewrite Nat.add_0_r in H0. simpl in H0.
    rewrite (proj2 (fits_spec _ _)) by assumption. apply in_or_app. right.
    pose proof (Hall 1 ltac:(lia)) as H1. simpl in H1.
    rewrite (proj2 (Nat.leb_le x budget)) by lia.
    apply IH; [lia | lia | | now replace (S s + k) with (s + S k) by lia].
    intros i Hi. specialize (Hall (S i) ltac:(lia)). simpl firstn in Hall.
    rewrite list_sum_cons in Hall. simpl nth in Hall.
    replace (S s + i) with (s + S i) by lia. lia.
Qed.

(** Rising from s on. *)
Fixpoint rising (s : nat) (R : stack) : Prop :=
  match R with
  | [] => True
  | x :: R' => s <= x /\ rising (S x) R'
  end.

Lemma rising_least : forall R s x, rising s R -> In x R -> s <= x.
Proof.
  induction R as [|y R IH]; intros s x Hrise Hx; [destruct Hx|].
  destruct Hrise as [Hy Hrise]. destruct Hx as [<-|Hx]; [assumption|].
  specialize (IH (S y) x Hrise Hx). lia.
Qed.

Lemma firstn_plus : forall s i (l : list nat),
  firstn (s + i) l = firstn s l ++ firstn i (skipn s l).
Proof.
  induction s as [|s IH]; intros i [|x l]; try reflexivity; simpl.
  - now rewrite firstn_nil.
  - now rewrite IH.
Qed.

(** Whatever costs T at most is found. *)
Lemma search_finds : forall J T m R P l s (c : nat -> nat),
  is_profile P m l -> 1 <= s -> rising s R -> (forall x, In x R -> x <= m) ->
  (forall n, n <= m -> fewest (P ++ R) n (c n)) -> list_sum (map c (seq 0 (S m))) <= T ->
  In (rev R ++ P) (search J T (length R) P l s).
Proof.
  intros J T m. induction R as [|x R IH]; intros P l s c Hl Hs Hrise Hm Hc Hsum.
  - simpl. rewrite (proj2 (fits_spec _ _)); [now left|].
    destruct Hl as [Hlen Hl]. etransitivity; [|exact Hsum]. rewrite app_nil_r in Hc.
    rewrite (list_as_map l), Hlen. apply sum_le. intros n Hn. apply in_seq in Hn.
    apply Nat.eq_le_incl, (fewest_unique P n); [apply Hl | apply Hc]; lia.
  - destruct Hrise as [Hx Hrise]. pose proof (Hm x (or_introl eq_refl)) as Hxm.
    assert (Hlen : length l = S m) by apply Hl.
    change (length (x :: R)) with (S (length R)). cbn [search].
    apply (candidates_reach _ _ _ _ (x - s)).
    + rewrite skipn_length. lia.
    + rewrite skipn_length, length_dear_rows. lia.
    + intros i Hi.
      assert (Hbound : list_sum (firstn (s + i) l)
        + list_sum (remaining (ways (S (length R)) J) (s + i)
            (rev_append (cheap_rows l (repeat 0 J)) []) (nth (s + i) (dear_rows J l) [])) <= T).
      { etransitivity; [|exact Hsum].
        apply (bound_holds P (x :: R)); [assumption | discriminate | | lia | assumption].
        intros y [<-|Hy]; [lia|]. pose proof (rising_least _ _ _ Hrise Hy). lia. }
      rewrite nth_skipn. rewrite firstn_plus, list_sum_app in Hbound. lia.
    + replace (s + (x - s)) with x by lia. simpl rev. rewrite <- app_assoc. simpl app at 2.
      apply (IH (x :: P) (extend x l) (S x) c).
      * apply profile_extend; [lia | assumption].
      * lia.
      * assumption.
      * intros y Hy. apply Hm. now right.
      * intros n Hn. apply (fewest_same_members (P ++ x :: R) _ m); [|assumption | now apply Hc].
        intros y _. simpl. rewrite !in_app_iff. simpl. tauto.
      * assumption.
Qed.

(** ** From all stacks to the increasing ones *)

Definition has (D : stack) (s : nat) : bool := existsb (Nat.eqb s) D.

Lemma has_spec : forall D s, has D s = true <-> In s D.
Proof.
  intros D s. unfold has. rewrite existsb_exists. split.
  - intros [x [Hx Heq]]. apply Nat.eqb_eq in Heq. now subst.
  - intros Hs. exists s. split; [assumption | apply Nat.eqb_refl].
Qed.

(** The dilations 1..m of a stack, in rising order, each once. *)
Definition useful (m : nat) (D : stack) : stack := filter (has D) (seq 1 m).

Lemma in_useful : forall m D s, In s (useful m D) <-> 1 <= s <= m /\ In s D.
Proof.
  intros. unfold useful. rewrite filter_In, in_seq, has_spec. split; intros [H1 H2]; split; auto; lia.
Qed.

Lemma useful_distinct : forall m D, NoDup (useful m D).
Proof. intros. apply NoDup_filter, seq_NoDup. Qed.

Lemma rising_filter : forall test k a, rising a (filter test (seq a k)).
Proof.
  intros test. assert (Hmore : forall R a, rising (S a) R -> rising a R).
  { intros [|x R] a; simpl; [auto|]. intros [H1 H2]. split; [lia | assumption]. }
  induction k as [|k IH]; intros a; simpl; [exact I|].
  destruct (test a); [split; [lia | apply IH] | apply Hmore, IH].
Qed.

Lemma length_useful : forall m D, length (useful m D) <= length D.
Proof.
  intros. apply NoDup_incl_length; [apply useful_distinct|].
  intros s Hs. now apply in_useful in Hs.
Qed.

Lemma sum_below : forall (f g : nat -> nat) ls x, In x ls ->
  (forall n, In n ls -> f n <= g n) -> f x < g x ->
  list_sum (map f ls) < list_sum (map g ls).
Proof.
  intros f g. induction ls as [|y ls IH]; intros x Hx Hle Hlt; [destruct Hx|].
  cbn [map]. rewrite !list_sum_cons. destruct Hx as [->|Hx].
  - pose proof (sum_le f g ls (fun n Hn => Hle n (or_intror Hn))). lia.
  - specialize (IH x Hx (fun n Hn => Hle n (or_intror Hn)) Hlt).
    pose proof (Hle y (or_introl eq_refl)). lia.
Qed.

(** A lag that is no dilation yet makes a better stack if it becomes one. *)
Lemma one_more_is_better : forall D m c x,
  positive D -> 1 <= x <= m -> ~ In x D -> (forall n, n <= m -> fewest D n (c n)) ->
  exists c', (forall n, n <= m -> fewest (x :: D) n (c' n)) /\
    list_sum (map c' (seq 0 (S m))) < list_sum (map c (seq 0 (S m))).
Proof.
  intros D m c x Hpos Hx Hnew Hc.
  assert (Hpos' : positive (x :: D)) by (constructor; [lia | assumption]).
  assert (Hpay : forall n, n <= m -> fewest (x :: D) n (brute_force.best_or_0 (x :: D) n)).
  { intros n Hn. destruct (Hc n Hn) as [[ks [Hks _]] _].
    destruct (brute_force.fewest_exists (x :: D) n Hpos') as [k Hk].
    - exists (0 :: ks). destruct Hks as [Hlen Hval]. split; simpl; [congruence | assumption].
    - unfold brute_force.best_or_0.
      rewrite (proj1 (brute_force.best_is_fewest (x :: D) n k Hpos') Hk). assumption. }
  exists (brute_force.best_or_0 (x :: D)). split; [assumption|].
  apply (sum_below _ _ _ x).
  - apply in_seq. lia.
  - intros n Hn. apply in_seq in Hn. destruct (Hpay n ltac:(lia)) as [_ Hmin].
    destruct (Hc n ltac:(lia)) as [[ks [[Hlen Hval] <-]] _].
    apply (Hmin (0 :: ks)). split; simpl; [congruence | assumption].
  - destruct (proj1 (one_coin (x :: D) x ltac:(lia)) (or_introl eq_refl)) as [k [Hk Hle]].
    rewrite (fewest_unique _ _ _ _ (Hpay x ltac:(lia)) Hk).
    destruct (Nat.le_gt_cases (c x) 1) as [Hsmall|]; [|lia].
    destruct Hnew. apply (one_coin D x ltac:(lia)). exists (c x). split; [apply Hc; lia | assumption].
Qed.

(** A stack with fewer useful dilations than L can be made better by one that has just L. *)
Lemma filled_up : forall k D m c,
  positive D -> length (useful m D) + k <= m -> (forall n, n <= m -> fewest D n (c n)) ->
  exists D' c', positive D' /\ length (useful m D') = length (useful m D) + k /\
    (forall n, n <= m -> fewest D' n (c' n)) /\
    list_sum (map c' (seq 0 (S m))) + k <= list_sum (map c (seq 0 (S m))).
Proof.
  induction k as [|k IH]; intros D m c Hpos Hk Hc.
  - exists D, c. split; [assumption|]. split; [lia|]. split; [assumption | lia].
  - assert (Hnew : exists x, 1 <= x <= m /\ ~ In x D).
    { destruct (existsb (fun x => negb (has D x)) (seq 1 m)) eqn:Hex.
      - apply existsb_exists in Hex as [x [Hx Hno]]. apply in_seq in Hx. exists x.
        split; [lia|]. intros Hin. apply has_spec in Hin. rewrite Hin in Hno. discriminate.
      - exfalso. assert (Hall : useful m D = seq 1 m).
        { unfold useful. clear - Hex. induction (seq 1 m) as [|x xs IH]; [reflexivity|].
          simpl in Hex |- *. apply orb_false_iff in Hex as [Hx Hxs].
          destruct (has D x); [now rewrite IH | discriminate]. }
        rewrite Hall, seq_length in Hk. lia. }
    destruct Hnew as [x [Hx Hno]].
    destruct (one_more_is_better D m c x Hpos Hx Hno Hc) as [c1 [Hc1 Hless]].
    assert (Hlen : length (useful m (x :: D)) = S (length (useful m D))).
    { change (S (length (useful m D))) with (length (x :: useful m D)).
      apply Permutation_length, NoDup_Permutation.
      - apply useful_distinct.
      - constructor; [|apply useful_distinct]. intros H. apply in_useful in H. tauto.
      - intros y. rewrite in_useful. simpl. rewrite in_useful.
        split; [intros [H1 [H2|H2]]; auto | intros [H|[H1 H2]]; [subst; auto | auto]]. }
    destruct (IH (x :: D) m c1) as [D' [c' [Hpos' [Hlen' [Hc' Hsum]]]]]; auto.
    + constructor; [lia | assumption].
    + lia.
    + exists D', c'. split; [assumption|]. split; [lia|]. split; [assumption | lia].
Qed.

(** ** What the search decides *)

(** The search for L dilations, those of each result in rising order. *)
Definition all_within (J T L m : nat) : list stack :=
  map (@rev nat) (search J T (L - 1) [1] (seq 0 (S m)) 2).

Fixpoint same (D D' : stack) : bool :=
  match D, D' with
  | [], [] => true
  | s :: E, s' :: E' => (s =? s') && same E E'
  | _, _ => false
  end.

Lemma same_spec : forall D D', same D D' = true -> D = D'.
Proof.
  induction D as [|s D IH]; intros [|s' D'] H; try discriminate; [reflexivity|].
  simpl in H. apply andb_true_iff in H as [Hs H]. apply Nat.eqb_eq in Hs. f_equal; auto.
Qed.

(** Increasing stacks whose dilations lie in 1..m, of length L and with the sum T. *)
Definition attains (T L m : nat) (D : stack) : bool :=
  (length D =? L) && (hd 0 D =? 1) && forallb (fun s => 1 <=? s) D
  && (list_sum (profile m D) =? T).

(** The schemes have the sum T, and the search finds no others with T or less. *)
Definition decides (J T L m : nat) (schemes : list stack) : bool :=
  (1 <=? L) && (L <=? m) && negb (match schemes with [] => true | _ => false end)
  && forallb (attains T L m) schemes
  && forallb (fun D => existsb (same D) schemes) (all_within J T L m).

Lemma sum_from_1 : forall (c : nat -> nat) m, c 0 = 0 ->
  list_sum (map c (seq 0 (S m))) = list_sum (map c (seq 1 m)).
Proof. intros c m H. simpl. rewrite H. reflexivity. Qed.

Theorem search_decides : forall J T L m schemes, decides J T L m schemes = true ->
  all_optima L m (Qnat L + Qnat T / Qnat m) schemes.
Proof.
  intros J T L m schemes Hdecides. unfold decides in Hdecides.
  rewrite !andb_true_iff, !Nat.leb_le in Hdecides.
  destruct Hdecides as [[[[HL HLm] Hsome] Hattain] Hnone].
  rewrite forallb_forall in Hattain, Hnone.
  (* each of the schemes has the sum T *)
  assert (Hschemes : forall S, In S schemes -> length S = L /\ positive S /\
    exists c, (forall n, n <= m -> fewest S n (c n)) /\ list_sum (map c (seq 1 m)) = T).
  { intros S HS. specialize (Hattain S HS). unfold attains in Hattain.
    rewrite !andb_true_iff, !Nat.eqb_eq in Hattain.
    destruct Hattain as [[[Hlen Hone] Hpos] HT]. rewrite forallb_forall in Hpos.
    assert (Hall : Forall (fun s => 1 <= s) S)
      by (apply Forall_forall; intros s Hs; now apply Nat.leb_le, Hpos).
    destruct (profile_is_profile m S Hall Hone) as [Hl Hfew].
    split; [assumption|]. split; [apply (Forall_impl _ (P := fun s => 1 <= s)); auto|].
    exists (fun n => nth n (profile m S) 0). split; [assumption|].
    rewrite <- sum_from_1 by (apply (fewest_of_0 S), Hfew; lia).
    now rewrite <- Hl, <- list_as_map. }
  (* what costs T at most is one of them, as far as it has L useful dilations *)
  assert (Hfound : forall D c, length (useful m D) = L -> (forall n, n <= m -> fewest D n (c n)) ->
    list_sum (map c (seq 0 (S m))) <= T -> In (useful m D) schemes).
  { intros D c Hlen Hc Hsum.
    assert (H1 : In 1 D).
    { apply (one_coin D 1); [lia|]. exists (c 1). split; [apply Hc; lia|].
      destruct (Nat.le_gt_cases (c 1) 1) as [|Hmore]; [assumption|]. exfalso.
      destruct (Hc 1 ltac:(lia)) as [[ks [[Hk Hv] Hs]] Hmin].
      destruct (coins_of_counts D ks Hk) as [cs [Hcs [Hcsum Hnum]]].
      destruct (without_zeros cs) as [Hz Hz'].
      destruct (counts_of_coins D (filter (Nat.ltb 0) cs)) as [js [Hjs Hjsum]].
      { intros x Hx. apply filter_In in Hx as [Hx _]. now apply Hcs. }
      rewrite Hz, Hcsum, Hv in Hjs. specialize (Hmin js Hjs).
      assert (Hle : length (filter (Nat.ltb 0) cs) <= list_sum (filter (Nat.ltb 0) cs)).
      { clear. unfold list_sum. induction cs as [|x cs IH]; [reflexivity|].
        simpl. destruct x; simpl; lia. }
      lia. }
    destruct m as [|m']; [lia|].
    assert (Huse : useful (S m') D = 1 :: filter (has D) (seq 2 m')).
    { unfold useful. simpl. now rewrite (proj2 (has_spec D 1) H1). }
    set (R := filter (has D) (seq 2 m')) in *.
    assert (Hin : In (rev R ++ [1]) (search J T (length R) [1] (seq 0 (S (S m'))) 2)).
    { apply (search_finds J T (S m') R [1] _ 2 c).
      - apply profile_of_1.
      - lia.
      - apply rising_filter.
      - intros x Hx. apply filter_In in Hx as [Hx _]. apply in_seq in Hx. lia.
      - intros n Hn. apply (fewest_same_members D _ (S m')); [|assumption | now apply Hc].
        intros x Hx. change ([1] ++ R) with (1 :: R). rewrite <- Huse, in_useful. tauto.
      - assumption. }
    assert (Hfind : In (useful (S m') D) (all_within J T L (S m'))).
    { unfold all_within. apply in_map_iff. exists (rev R ++ [1]). split.
      - rewrite rev_app_distr, rev_involutive, Huse. reflexivity.
      - rewrite Huse in Hlen. simpl in Hlen. now replace (L - 1) with (length R) by lia. }
    specialize (Hnone _ Hfind). apply existsb_exists in Hnone as [S [HS Hsame]].
    apply same_spec in Hsame. now rewrite Hsame. }
  assert (Hm : 1 <= m) by lia.
  split.
  - intros S HS. destruct (Hschemes S HS) as [<- [_ [c [Hc <-]]]].
    apply mean_of_coins; [assumption|]. intros n Hn. apply Hc. lia.
  - intros D q Hpos Hlen Hq. destruct (coins_of_mean D m q Hm Hq) as [c0 [Hc0 Heq]].
    (* the same with the lag 0 *)
    set (c := fun n => match n with 0 => 0 | S _ => c0 n end).
    assert (Hc : forall n, n <= m -> fewest D n (c n)).
    { intros [|n] Hn; [|apply Hc0; lia]. destruct (no_coins D) as [Hpays Hsum].
      split; [eauto | intros; apply Nat.le_0_l]. }
    assert (Hsame : list_sum (map c0 (seq 1 m)) = list_sum (map c (seq 0 (S m)))).
    { rewrite sum_from_1 by reflexivity. f_equal. apply map_ext_in.
      intros n Hn. apply in_seq in Hn. now destruct n; [lia|]. }
    rewrite Hsame in Heq.
    (* with fewer useful dilations than L, something listed would cost less than T *)
    assert (Hcheap : list_sum (map c (seq 0 (S m))) <= T ->
      In (useful m D) schemes /\ Permutation (useful m D) D).
    { intros HT. pose proof (length_useful m D) as Hle. rewrite Hlen in Hle.
      destruct (Nat.eq_dec (length (useful m D)) L) as [HeqL|Hless].
      - split; [now apply (Hfound D c)|].
        apply NoDup_Permutation_bis; [apply useful_distinct | lia |].
        intros x Hx. now apply in_useful in Hx.
      - exfalso. destruct (filled_up (L - length (useful m D)) D m c) as [D' [c' H']]; auto; [lia|].
        destruct H' as [Hpos' [Hlen' [Hc' Hsum']]].
        assert (Hin : In (useful m D') schemes) by (apply (Hfound D' c'); auto; lia).
        destruct (Hschemes _ Hin) as [_ [_ [c'' [Hc'' HT'']]]].
        assert (Hequal : list_sum (map c' (seq 0 (S m))) = T).
        { rewrite sum_from_1 by (apply (fewest_of_0 D'), Hc'; lia). rewrite <- HT''. f_equal.
          apply map_ext_in. intros n Hn. apply in_seq in Hn.
          apply (fewest_unique (useful m D') n); [|apply Hc''; lia].
          apply (fewest_same_members D' _ m); [|lia | apply Hc'; lia].
          intros x Hx. rewrite in_useful. tauto. }
        lia. }
    assert (Hleast : T <= list_sum (map c (seq 0 (S m)))).
    { destruct (Nat.le_gt_cases T (list_sum (map c (seq 0 (S m))))) as [|Hlt]; [assumption|].
      exfalso. destruct (Hcheap ltac:(lia)) as [Hin _].
      destruct (Hschemes _ Hin) as [_ [_ [c'' [Hc'' HT'']]]].
      enough (list_sum (map c (seq 0 (S m))) = T) by lia.
      rewrite sum_from_1 by reflexivity. rewrite <- HT''. f_equal.
      apply map_ext_in. intros n Hn. apply in_seq in Hn.
      apply (fewest_unique (useful m D) n); [|apply Hc''; lia].
      apply (fewest_same_members D _ m); [|lia | apply Hc; lia].
      intros x Hx. rewrite in_useful. tauto. }
    rewrite Heq, Hlen. split; [apply Qplus_le_r; now apply Qnat_div_le|].
    rewrite Qplus_inj_l, Qnat_div_eq by assumption. split.
    + intros HT. destruct (Hcheap ltac:(lia)) as [Hin Hperm]. eauto.
    + intros [S [HS Hperm]]. destruct (Hschemes S HS) as [_ [_ [c'' [Hc'' <-]]]].
      rewrite sum_from_1 by reflexivity. f_equal. apply map_ext_in.
      intros n Hn. apply in_seq in Hn. apply (fewest_unique D n); [apply Hc; lia|].
      apply (fewest_same_members S _ m); [|lia | apply Hc''; lia].
      intros x _. split; apply Permutation_in; [assumption | now apply Permutation_sym].
Qed.

(** The same with the mean as it is written. *)
Corollary optimal_means : forall J T L m schemes q, decides J T L m schemes = true ->
  (Qnat L + Qnat T / Qnat m == q)%Q -> all_optima L m q schemes.
Proof.
  intros J T L m schemes q Hdecides Hq. destruct (search_decides _ _ _ _ _ Hdecides) as [Hat Hall].
  split.
  - intros S HS. destruct (Hat S HS) as [d [Hd Heq]]. exists d. split; [assumption|].
    now rewrite <- Hq.
  - intros D q' Hpos Hlen Hq'. destruct (Hall D q' Hpos Hlen Hq') as [Hle Hiff].
    rewrite <- Hq. now split.
Qed.
