(** * The shortest path is the fewest coins

    In the unfolded graph of a stack of L layers, every path from the input at time t to the top
    layer at time t + n has L vertical edges, and its recurrent edges are coins (the dilations)
    that sum to n; conversely every way of paying n with the dilations is the payment of exactly one
    such path.  So m is the length of a shortest path exactly when m - L is the fewest coins that
    pay n. *)
(* Theorem object: fewest_coins *)

From Coq Require Import Arith List Lia QArith.
From drnn_theory Require Import stack brute_force.
Import ListNotations.
Open Scope nat_scope.

(** ** From paths to payments *)

(** Does this edge stay in layer [l], so that it is a recurrent edge of that layer? *)
Definition stays_in (l : nat) (e : edge) : bool :=
  (snd (fst e) =? l) && (snd (snd e) =? l).

(** How many recurrent edges a path has in each of the layers 1..L. *)
Definition coins_used (D : stack) (es : list edge) : list nat :=
  map (fun l => length (filter (stays_in l) es)) (seq 1 (length D)).

(** Adding one coin, seen on counts that are given layer by layer. *)
Lemma add_coin_map_seq : forall (f : nat -> nat) n a i,
  add_coin i (map f (seq a n)) = map (fun l => if l =? a + i then S (f l) else f l) (seq a n).
Proof.
  intros f. induction n as [|n IH]; intros a [|i]; try reflexivity; simpl.
  - rewrite Nat.add_0_r, Nat.eqb_refl. f_equal.
    apply map_ext_in. intros l Hl. apply in_seq in Hl.
    destruct (Nat.eqb_spec l a); [lia | reflexivity].
  - rewrite IH. destruct (Nat.eqb_spec a (a + S i)); [lia|]. f_equal.
    apply map_ext. intros l. rewrite Nat.add_succ_r. reflexivity.
Qed.

(** A vertical edge uses no coin. *)
Lemma coins_of_vertical : forall D t l es,
  coins_used D (((t, l), (t, l + 1)) :: es) = coins_used D es.
Proof.
  intros D t l es. apply map_ext. intros l'. simpl. unfold stays_in; simpl.
  destruct (Nat.eqb_spec l l'), (Nat.eqb_spec (l + 1) l'); simpl; try reflexivity; lia.
Qed.

(** A recurrent edge of layer l + 1 uses one coin of that layer. *)
Lemma coins_of_recurrent : forall D t t' l es,
  coins_used D (((t, l + 1), (t', l + 1)) :: es) = add_coin l (coins_used D es).
Proof.
  intros D t t' l es. unfold coins_used. rewrite add_coin_map_seq.
  apply map_ext. intros l'. simpl. unfold stays_in; simpl. rewrite (Nat.eqb_sym l').
  replace (S l) with (l + 1) by lia.
  destruct (Nat.eqb_spec (l + 1) l'); reflexivity.
Qed.

(** Counts are given for every layer. *)
Lemma length_coins_used : forall D es, length (coins_used D es) = length D.
Proof. intros. unfold coins_used. now rewrite map_length, seq_length. Qed.

(** A path climbs by its vertical edges and moves in time by its coins. *)
Lemma path_counts : forall D es t l t' l',
  is_path D (t, l) es (t', l') ->
  l <= l' /\
  t' = t + value D (coins_used D es) /\
  length es = (l' - l) + list_sum (coins_used D es).
Proof.
  intros D. induction es as [|[x y] es IH]; intros t l t' l' Hpath.
  - injection Hpath as -> ->.
    assert (Hnone : forall E a, list_sum (map (fun _ => 0) (seq a (length E))) = 0
              /\ value E (map (fun _ => 0) (seq a (length E))) = 0).
    { induction E; intros; simpl; auto. }
    destruct (Hnone D 1) as [Hsum Hvalue]. unfold coins_used; simpl. lia.
  - destruct Hpath as [<- [Hedge Hrest]].
    pose proof (length_coins_used D es) as Hlen.
    inversion Hedge as [a b Hb | a b s Hs]; subst.
    + destruct (IH _ _ _ _ Hrest) as [Hl [Ht Hn]].
      rewrite coins_of_vertical. simpl. lia.
    + destruct (IH _ _ _ _ Hrest) as [Hl [Ht Hn]].
      rewrite coins_of_recurrent, (value_add_coin D _ _ s), sum_add_coin; auto.
      * simpl. lia.
      * rewrite Hlen. apply nth_error_Some. congruence.
Qed.

(** The lag of a path is the time between its ends. *)
Lemma path_lag : forall D es t l t' l',
  is_path D (t, l) es (t', l') -> t' = t + lag_of_path es.
Proof.
  intros D. induction es as [|[x y] es IH]; intros t l t' l' Hpath.
  - injection Hpath as -> ->. unfold lag_of_path; simpl. lia.
  - destruct Hpath as [<- [Hedge Hrest]].
    inversion Hedge; subst; apply IH in Hrest; rewrite Hrest;
      unfold lag_of_path, lag_of_edge; simpl; lia.
Qed.

(** (a) Every path from the input to the top pays its lag, and has L edges more than coins. *)
Theorem path_pays : forall D es t n,
  is_path D (t, 0) es (t + n, length D) ->
  lag_of_path es = n /\
  pays D (coins_used D es) n /\
  length es = length D + list_sum (coins_used D es).
Proof.
  intros D es t n Hpath.
  pose proof (path_lag _ _ _ _ _ _ Hpath) as Hlag.
  destruct (path_counts _ _ _ _ _ _ Hpath) as [_ [Ht Hn]].
  repeat split; [lia | apply length_coins_used | lia | lia].
Qed.

(** ** Layer by layer *)

(** How many recurrent edges of layer k a path has. *)
Definition count (k : nat) (es : list edge) : nat := length (filter (stays_in k) es).

Lemma count_vertical : forall k t l es, count k (((t, l), (t, l + 1)) :: es) = count k es.
Proof.
  intros. unfold count; simpl. unfold stays_in at 1; simpl.
  destruct (Nat.eqb_spec l k), (Nat.eqb_spec (l + 1) k); simpl; try reflexivity; lia.
Qed.

Lemma count_recurrent : forall k t t' l es,
  count k (((t, l), (t', l)) :: es) = (if l =? k then 1 else 0) + count k es.
Proof.
  intros. unfold count; simpl. unfold stays_in at 1; simpl.
  destruct (Nat.eqb_spec l k); reflexivity.
Qed.

(** A path that has left layer k has no recurrent edge there. *)
Lemma count_below : forall D es t l v k, is_path D (t, l) es v -> k < l -> count k es = 0.
Proof.
  intros D. induction es as [|[x y] es IH]; intros t l v k Hpath Hk; [reflexivity|].
  destruct Hpath as [<- [Hedge Hrest]]. inversion Hedge as [a b Hb | a b s Hs]; subst.
  - rewrite count_vertical. apply (IH _ _ _ _ Hrest). lia.
  - rewrite count_recurrent. destruct (Nat.eqb_spec (b + 1) k); [lia|].
    apply (IH _ _ _ _ Hrest). lia.
Qed.

(** Parts of a path are counted each by itself. *)
Lemma count_app : forall k es es', count k (es ++ es') = count k es + count k es'.
Proof. intros. unfold count. now rewrite filter_app, app_length. Qed.

(** ** From payments to paths *)

(** Paths compose. *)
Lemma path_app : forall D es u v es' w,
  is_path D u es v -> is_path D v es' w -> is_path D u (es ++ es') w.
Proof.
  intros D. induction es as [|[x y] es IH]; intros u v es' w H H'; simpl in *.
  - now subst.
  - destruct H as [-> [He Hr]]. repeat split; eauto.
Qed.

(** Along one layer, k recurrent edges span k times its dilation. *)
Lemma path_along_layer : forall D l s, nth_error D l = Some s ->
  forall k t, exists es, is_path D (t, l + 1) es (t + k * s, l + 1) /\
    forall j, count j es = if l + 1 =? j then k else 0.
Proof.
  intros D l s Hs. induction k as [|k IH]; intros t.
  - exists []. simpl. split; [f_equal; lia|]. intros j. now destruct (l + 1 =? j).
  - destruct (IH (t + s)) as [es [Hes Hcount]].
    exists (((t, l + 1), (t + s, l + 1)) :: es). split.
    + simpl. repeat split; [now constructor|].
      now replace (t + (s + k * s)) with (t + s + k * s) by lia.
    + intros j. rewrite count_recurrent, Hcount. now destruct (l + 1 =? j).
Qed.

(** From layer [length low] up through the layers of [high], any coins can be used. *)
Lemma path_above : forall high low ks t,
  length ks = length high ->
  exists es,
    is_path (low ++ high) (t, length low) es (t + value high ks, length low + length high) /\
    map (fun k => count k es) (seq (length low + 1) (length high)) = ks /\
    count (length low) es = 0.
Proof.
  induction high as [|s high IH]; intros low [|k ks] t Hlen; simpl in Hlen; try discriminate.
  - exists []. simpl. repeat split. f_equal; lia.
  - set (l := length low).
    assert (Hs : nth_error (low ++ s :: high) l = Some s)
      by (unfold l; rewrite nth_error_app2, Nat.sub_diag; auto).
    destruct (path_along_layer _ l s Hs k t) as [along [Halong Hk]].
    destruct (IH (low ++ [s]) ks (t + k * s)) as [above [Habove [Hn Hnone]]]; [congruence|].
    rewrite <- app_assoc, app_length in Habove; simpl in Habove; fold l in Habove.
    rewrite app_length in Hn, Hnone; simpl in Hn, Hnone; fold l in Hn, Hnone.
    exists (((t, l), (t, l + 1)) :: along ++ above).
    assert (Hpath : is_path (low ++ s :: high) (t, l) (((t, l), (t, l + 1)) :: along ++ above)
      (t + value (s :: high) (k :: ks), l + length (s :: high))).
    { simpl. repeat split.
      - constructor. rewrite app_length. simpl. unfold l. lia.
      - apply (path_app _ _ _ (t + k * s, l + 1)); [assumption|].
        now replace (t + (k * s + value high ks)) with (t + k * s + value high ks) by lia;
          replace (l + S (length high)) with (l + 1 + length high) by lia. }
    split; [exact Hpath | split].
    + simpl. f_equal.
      * rewrite count_vertical, count_app, Hk, Nat.eqb_refl, Hnone. lia.
      * rewrite <- Hn. replace (S (l + 1)) with (l + 1 + 1) by lia.
        apply map_ext_in. intros j Hj. apply in_seq in Hj.
        rewrite count_vertical, count_app, Hk. destruct (Nat.eqb_spec (l + 1) j); [lia|]. lia.
    + rewrite count_vertical.
      destruct Hpath as [_ [_ Hrest]]. apply (count_below _ _ _ _ _ l Hrest). lia.
Qed.

(** (b) Every payment of n is the payment of a path of lag n. *)
Theorem payment_is_path : forall D ks t n,
  pays D ks n ->
  exists es, is_path D (t, 0) es (t + n, length D) /\ coins_used D es = ks.
Proof.
  intros D ks t n [Hlen <-]. destruct (path_above D [] ks t Hlen) as [es [Hes [Hks _]]].
  now exists es.
Qed.

(** ** One to one *)

(** Two paths between the same nodes with the same number of recurrent edges in each layer. *)
Lemma one_path : forall D es es' t l v,
  is_path D (t, l) es v -> is_path D (t, l) es' v ->
  (forall k, 1 <= k <= length D -> count k es = count k es') -> es = es'.
Proof.
  assert (Hend : forall D t l x y es, is_path D (t, l) ((x, y) :: es) (t, l) ->
    (forall k, 1 <= k <= length D -> count k ((x, y) :: es) = 0) -> False).
  { intros D t l x y es [<- [He Hr]] Hk. inversion He as [a b Hb | a b s Hs]; subst.
    - pose proof (path_counts _ _ _ _ _ _ Hr). lia.
    - assert (b < length D) by (apply nth_error_Some; congruence).
      specialize (Hk (b + 1) ltac:(lia)).
      rewrite count_recurrent, Nat.eqb_refl in Hk. discriminate. }
  intros D. induction es as [|[x y] es IH]; intros [|[x' y'] es'] t l v H H' Hk; [reflexivity| | |].
  - simpl in H. subst v. exfalso. eapply Hend; [exact H'|]. intros k Hkk. now rewrite <- Hk.
  - simpl in H'. subst v. exfalso. eapply Hend; [exact H|]. intros k Hkk. now rewrite Hk.
  - destruct H as [Hx [He Hr]], H' as [Hx' [He' Hr']]. subst x x'.
    inversion He as [a b Hb | a b s Hs]; inversion He' as [a' b' Hb' | a' b' s' Hs']; subst.
    + f_equal. apply (IH _ _ _ _ Hr Hr'). intros k Hkk. specialize (Hk k Hkk).
      now rewrite !count_vertical in Hk.
    + exfalso. assert (b' < length D) by (apply nth_error_Some; congruence).
      specialize (Hk (b' + 1) ltac:(lia)).
      rewrite count_vertical, count_recurrent, Nat.eqb_refl in Hk.
      rewrite (count_below _ _ _ _ _ (b' + 1) Hr) in Hk by lia. discriminate.
    + exfalso. assert (b < length D) by (apply nth_error_Some; congruence).
      specialize (Hk (b + 1) ltac:(lia)).
      rewrite count_vertical, count_recurrent, Nat.eqb_refl in Hk.
      rewrite (count_below _ _ _ _ _ (b + 1) Hr') in Hk by lia. discriminate.
    + assert (b' = b) as -> by lia. rewrite Hs in Hs'. injection Hs' as <-.
      f_equal. apply (IH _ _ _ _ Hr Hr'). intros k Hkk. specialize (Hk k Hkk).
      rewrite !count_recurrent in Hk. lia.
Qed.

(** A path is the only one with its payment: paths and payments correspond one to one. *)
Theorem one_path_per_payment : forall D es es' u v,
  is_path D u es v -> is_path D u es' v -> coins_used D es = coins_used D es' -> es = es'.
Proof.
  intros D es es' [t l] v H H' Hcoins. apply (one_path D es es' t l v H H').
  intros k Hk. unfold coins_used in Hcoins.
  apply ext_in_map with (a := k) in Hcoins; [exact Hcoins|].
  apply in_seq. lia.
Qed.

(** ** The theorem *)

(** m is the length of a shortest path exactly when m - L is the fewest coins.  (It holds for any
    list of dilations; that they are positive is not needed.) *)
Theorem distance_by_coins : forall (D : stack) (t n m : nat),
  is_distance D (t, 0) (t + n, length D) m <->
  length D <= m /\ fewest D n (m - length D).
Proof.
  intros D t n m. split.
  - intros [[es [Hes <-]] Hmin].
    destruct (path_pays _ _ _ _ Hes) as [_ [Hpays Hlen]].
    split; [lia|]. split.
    + exists (coins_used D es). split; [assumption | lia].
    + intros ks Hks. destruct (payment_is_path D ks t n Hks) as [es' [Hes' <-]].
      destruct (path_pays _ _ _ _ Hes') as [_ [_ Hlen']]. specialize (Hmin es' Hes'). lia.
  - intros [Hm [[ks [Hks Hsum]] Hmin]]. split.
    + destruct (payment_is_path D ks t n Hks) as [es [Hes <-]].
      destruct (path_pays _ _ _ _ Hes) as [_ [_ Hlen]]. exists es. split; [assumption | lia].
    + intros es Hes. destruct (path_pays _ _ _ _ Hes) as [_ [Hpays Hlen]].
      specialize (Hmin _ Hpays). lia.
Qed.

(** Distances are fewest coins; a path pays its lag and has L edges more than coins; and every
    payment is that of exactly one path. *)
Theorem fewest_coins : forall (D : stack) (t n : nat),
  (forall m, is_distance D (t, 0) (t + n, length D) m <->
    length D <= m /\ fewest D n (m - length D)) /\
  (forall es, is_path D (t, 0) es (t + n, length D) ->
    pays D (coins_used D es) n /\ length es = length D + list_sum (coins_used D es)) /\
  (forall ks, pays D ks n ->
    exists! es, is_path D (t, 0) es (t + n, length D) /\ coins_used D es = ks).
Proof.
  intros D t n. split; [|split].
  - intros m. apply distance_by_coins.
  - intros es Hes. now apply (path_pays D es t n).
  - intros ks Hks. destruct (payment_is_path D ks t n Hks) as [es [Hes Heq]].
    exists es. split; [now split|]. intros es' [Hes' Heq'].
    apply (one_path_per_payment D es es' (t, 0) (t + n, length D)); congruence.
Qed.

(** The same, read from coins to paths. *)
Corollary fewest_coins_distance : forall D t n k,
  fewest D n k -> is_distance D (t, 0) (t + n, length D) (length D + k).
Proof.
  intros D t n k Hk. apply distance_by_coins.
  split; [lia|]. now replace (length D + k - length D) with k by lia.
Qed.

(** All starting times are alike, so the worst of them is any of them. *)
Corollary worst_distance_of_fewest : forall D n k,
  fewest D n k -> is_worst_distance D n (length D + k).
Proof.
  intros D n k Hk. split.
  - exists 0. now apply fewest_coins_distance.
  - intros t. exists (length D + k). split; [now apply fewest_coins_distance | lia].
Qed.

(** The mean recurrent length from the fewest coins of each lag. *)
Corollary mean_of_fewest : forall D m (f : nat -> nat),
  (forall n, 1 <= n <= m -> fewest D n (f n)) ->
  is_mean_recurrent_length D m
    (Qnat (list_sum (map (fun n => length D + f n) (seq 1 m))) / Qnat m).
Proof.
  intros D m f Hf. exists (fun n => length D + f n). split; [|reflexivity].
  intros n Hn. apply worst_distance_of_fewest. auto.
Qed.

(** L more edges than coins at each of m lags. *)
Lemma sum_with_layers : forall L (c : nat -> nat) a m,
  list_sum (map (fun n => L + c n) (seq a m)) = L * m + list_sum (map c (seq a m)).
Proof.
  intros L c a m. revert a. unfold list_sum.
  induction m as [|m IH]; intros a; simpl; [lia|]. rewrite IH. lia.
Qed.

(** The mean recurrent length is L and the mean of the fewest coins .. *)
Corollary mean_of_coins : forall D m (c : nat -> nat), 1 <= m ->
  (forall n, 1 <= n <= m -> fewest D n (c n)) ->
  is_mean_recurrent_length D m
    (Qnat (length D) + Qnat (list_sum (map c (seq 1 m))) / Qnat m)%Q.
Proof.
  intros D m c Hm Hc. destruct (mean_of_fewest D m c Hc) as [d [Hd Heq]].
  exists d. split; [assumption|]. rewrite <- Heq, sum_with_layers, Qnat_add, Qnat_mul. field.
  apply Qnat_nonzero. lia.
Qed.

(** .. and where it exists, every lag can be paid. *)
Corollary coins_of_mean : forall D m q, 1 <= m -> is_mean_recurrent_length D m q ->
  exists c, (forall n, 1 <= n <= m -> fewest D n (c n)) /\
    (q == Qnat (length D) + Qnat (list_sum (map c (seq 1 m))) / Qnat m)%Q.
Proof.
  intros D m q Hm [d [Hd Hq]].
  assert (Hc : forall n, 1 <= n <= m ->
    length D <= d n /\ fewest D n (d n - length D)).
  { intros n Hn. destruct (Hd n Hn) as [[t Ht] _]. now apply distance_by_coins in Ht. }
  exists (fun n => d n - length D). split; [intros n Hn; now apply Hc|].
  rewrite Hq, (map_ext_in d (fun n => length D + (d n - length D))).
  - rewrite sum_with_layers, Qnat_add, Qnat_mul. field. apply Qnat_nonzero. lia.
  - intros n Hn. apply in_seq in Hn. specialize (Hc n ltac:(lia)). lia.
Qed.

(** The mean recurrent length by brute force, for definite stacks. *)
Corollary mean_by_brute_force : forall D m q,
  positive D -> all_payable D m = true ->
  (q == Qnat (list_sum (map (fun n => length D + best_or_0 D n)%nat (seq 1 m))) / Qnat m)%Q ->
  is_mean_recurrent_length D m q.
Proof.
  intros D m q Hpos Hall Hq.
  destruct (mean_of_fewest D m (best_or_0 D) (best_or_0_is_fewest D m Hpos Hall)) as [d [Hd Heq]].
  exists d. split; [assumption | now rewrite Hq].
Qed.

(** ** Examples *)

(** A path of lag 5 through the stack 1, 2, 4: up, 1, up, up, 4. *)
Example a_path :
  is_path [1; 2; 4] (3, 0)
    [((3, 0), (3, 1)); ((3, 1), (4, 1)); ((4, 1), (4, 2)); ((4, 2), (4, 3)); ((4, 3), (8, 3))]
    (8, 3).
Proof.
  simpl. repeat split.
  - apply (vertical [1; 2; 4] 3 0). simpl. lia.
  - now apply (recurrent [1; 2; 4] 3 0 1).
  - apply (vertical [1; 2; 4] 4 1). simpl. lia.
  - apply (vertical [1; 2; 4] 4 2). simpl. lia.
  - now apply (recurrent [1; 2; 4] 4 2 4).
Qed.

(** It is a shortest one: 3 vertical edges and 2 coins. *)
Example its_distance : is_distance [1; 2; 4] (3, 0) (8, 3) 5.
Proof.
  apply (distance_by_coins [1; 2; 4] 3 5). split; [simpl; lia|].
  apply best_is_fewest; [repeat constructor | reflexivity].
Qed.

(** With dilations 4 and 8, lag 6 is out of reach. *)
Example unreachable : forall m, ~ is_distance [4; 8] (0, 0) (6, 2) m.
Proof.
  intros m Hm. apply (distance_by_coins [4; 8] 0 6) in Hm as [_ Hk].
  apply best_is_fewest in Hk; [discriminate | repeat constructor].
Qed.

(** Dilations 1, 2, 4, 8: the distances of the lags 1..8 sum to 45. *)
Example sum_is_45 : is_mean_recurrent_length [1; 2; 4; 8] 8 (45 # 8).
Proof. apply mean_by_brute_force; [repeat constructor | reflexivity | reflexivity]. Qed.

(** The mean of fewest coins {1, 5, 10, 25} over 0..99 is 4.70 (Shallit 2003). *)
Example us_coins : list_sum (map (best_or_0 [1; 5; 10; 25]) (seq 0 100)) = 470.
Proof. vm_compute. reflexivity. Qed.

Print Assumptions fewest_coins.
