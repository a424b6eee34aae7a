(** * Stacks whose layers have several recurrent lags

    A wide stack lists the recurrent lags of each layer, bottom layer first.  Its unfolded graph
    has one recurrent edge per lag of the layer; with one lag in each layer it is the graph of
    [stack].  Shortest paths are the fewest coins whose values are all the lags, whichever layers
    have them. *)

From Coq Require Import Arith List Lia QArith Bool.
From drnn_theory Require Import stack brute_force fewest_coins eventual_periodicity.
Import ListNotations.
Open Scope nat_scope.

Definition wide := list (list nat).

(** ** The unfolded graph *)

Inductive is_wide_edge (W : wide) : node -> node -> Prop :=
| wide_vertical : forall t l,
    l < length W -> is_wide_edge W (t, l) (t, l + 1)
| wide_recurrent : forall t l lags s,
    nth_error W l = Some lags -> In s lags -> is_wide_edge W (t, l + 1) (t + s, l + 1).

Fixpoint is_wide_path (W : wide) (u : node) (es : list edge) (v : node) : Prop :=
  match es with
  | [] => u = v
  | (x, y) :: es' => u = x /\ is_wide_edge W x y /\ is_wide_path W y es' v
  end.

Definition is_wide_distance (W : wide) (u v : node) (m : nat) : Prop :=
  (exists es, is_wide_path W u es v /\ length es = m) /\
  (forall es, is_wide_path W u es v -> m <= length es).

Definition is_wide_worst_distance (W : wide) (n m : nat) : Prop :=
  (exists t, is_wide_distance W (t, 0) (t + n, length W) m) /\
  (forall t, exists m', is_wide_distance W (t, 0) (t + n, length W) m' /\ m' <= m).

Definition is_wide_mean (W : wide) (m : nat) (q : Q) : Prop :=
  exists d : nat -> nat,
    (forall n, 1 <= n <= m -> is_wide_worst_distance W n (d n)) /\
    (q == Qnat (list_sum (map d (seq 1 m))) / Qnat m)%Q.

(** With one lag in each layer nothing is new. *)
Lemma one_lag_each : forall D u v, is_wide_edge (map (fun s => [s]) D) u v <-> is_edge D u v.
Proof.
  intros D u v. split.
  - intros [t l Hl | t l lags s Hlags Hs].
    + rewrite map_length in Hl. now constructor.
    + rewrite nth_error_map in Hlags. destruct (nth_error D l) as [x|] eqn:Hx; [|discriminate].
      injection Hlags as <-. destruct Hs as [<-|[]]. now constructor.
  - intros [t l Hl | t l s Hs].
    + constructor. now rewrite map_length.
    + apply (wide_recurrent _ t l [s]); [|now left]. now rewrite nth_error_map, Hs.
Qed.

(** ** From paths to coins *)

Lemma path_to_coins : forall W es t l v, is_wide_path W (t, l) es v ->
  exists cs, incl cs (concat W) /\ l <= snd v /\
    fst v = t + list_sum cs /\ length es = (snd v - l) + length cs.
Proof.
  intros W. induction es as [|[x y] es IH]; intros t l v Hpath.
  - simpl in Hpath. subst v. exists []. unfold list_sum. simpl.
    split; [intros c [] | lia].
  - destruct Hpath as [<- [Hedge Hrest]].
    inversion Hedge as [a b Hb | a b lags s Hlags Hs]; subst;
      destruct (IH _ _ _ Hrest) as [cs [Hin [Hl [Ht Hn]]]].
    + exists cs. simpl. repeat split; try assumption; lia.
    + exists (s :: cs). unfold list_sum in *. simpl. repeat split; try lia.
      apply incl_cons; [|assumption]. apply in_concat. exists lags. split; [|assumption].
      now apply nth_error_In in Hlags.
Qed.

(** ** From coins to paths *)

Lemma wide_path_app : forall W es u v es' w,
  is_wide_path W u es v -> is_wide_path W v es' w -> is_wide_path W u (es ++ es') w.
Proof.
  intros W. induction es as [|[x y] es IH]; intros u v es' w H H'; simpl in *.
  - now subst.
  - destruct H as [-> [He Hr]]. repeat split; eauto.
Qed.

Lemma along_wide_layer : forall W l lags, nth_error W l = Some lags ->
  forall cs t, incl cs lags ->
  exists es, is_wide_path W (t, l + 1) es (t + list_sum cs, l + 1) /\ length es = length cs.
Proof.
  intros W l lags Hlags. induction cs as [|c cs IH]; intros t Hin.
  - exists []. unfold list_sum. simpl. split; [f_equal; lia | reflexivity].
  - apply incl_cons_inv in Hin as [Hc Hcs]. destruct (IH (t + c) Hcs) as [es [Hes Hlen]].
    exists (((t, l + 1), (t + c, l + 1)) :: es). split; [|simpl; lia].
    simpl. split; [reflexivity|]. split; [now apply (wide_recurrent W t l lags)|].
    unfold list_sum in *. now replace (t + (c + fold_right Nat.add 0 cs))
      with (t + c + fold_right Nat.add 0 cs) by lia.
Qed.

(** Coins of two sorts, each in the order in which they come. *)
Lemma sort_out : forall test cs,
  list_sum cs = list_sum (filter test cs) + list_sum (filter (fun c => negb (test c)) cs) /\
  length cs = length (filter test cs) + length (filter (fun c => negb (test c)) cs).
Proof.
  intros test. unfold list_sum. induction cs as [|c cs IH]; [now split|].
  simpl. destruct (test c); simpl; lia.
Qed.

Lemma coins_to_path : forall high low cs t, incl cs (concat high) ->
  exists es, is_wide_path (low ++ high) (t, length low) es
      (t + list_sum cs, length low + length high) /\
    length es = length high + length cs.
Proof.
  induction high as [|lags high IH]; intros low cs t Hin.
  - assert (cs = []) as -> by (destruct cs as [|c cs]; [reflexivity|]; destruct (Hin c); now left).
    exists []. unfold list_sum. simpl. split; [f_equal; lia | reflexivity].
  - set (test := fun c => if in_dec Nat.eq_dec c lags then true else false).
    destruct (sort_out test cs) as [Hsum Hlen].
    assert (Htest : forall c, test c = true <-> In c lags)
      by (intros c; unfold test; destruct (in_dec Nat.eq_dec c lags); intuition congruence).
    destruct (along_wide_layer (low ++ lags :: high) (length low) lags) with
      (cs := filter test cs) (t := t) as [along [Halong Hmany]].
    { rewrite nth_error_app2, Nat.sub_diag; auto. }
    { intros c Hc. apply filter_In in Hc as [_ Hc]. now apply Htest. }
    destruct (IH (low ++ [lags]) (filter (fun c => negb (test c)) cs) (t + list_sum (filter test cs)))
      as [above [Habove Hrest]].
    { intros c Hc. apply filter_In in Hc as [Hc Hno]. specialize (Hin c Hc). simpl in Hin.
      apply in_app_or in Hin as [Hin|Hin]; [|assumption].
      apply Htest in Hin. rewrite Hin in Hno. discriminate. }
    rewrite <- app_assoc, app_length in Habove. simpl in Habove.
    exists (((t, length low), (t, length low + 1)) :: along ++ above). split.
    + simpl. split; [reflexivity|]. split.
      * constructor. rewrite app_length. simpl. lia.
      * apply (wide_path_app _ _ _ (t + list_sum (filter test cs), length low + 1)); [assumption|].
        replace (t + list_sum cs) with (t + list_sum (filter test cs)
          + list_sum (filter (fun c => negb (test c)) cs)) by lia.
        now replace (length low + S (length high)) with (length low + 1 + length high) by lia.
    + simpl. rewrite app_length. lia.
Qed.

(** ** Distances and means *)

(** m is the length of a shortest path exactly when m - L is the fewest coins of all lags. *)
Theorem wide_distance_by_coins : forall W t n m,
  is_wide_distance W (t, 0) (t + n, length W) m <->
  length W <= m /\ fewest (concat W) n (m - length W).
Proof.
  intros W t n m. rewrite fewest_reaches.
  assert (Hpath : forall cs, incl cs (concat W) -> list_sum cs = n ->
    exists es, is_wide_path W (t, 0) es (t + n, length W) /\ length es = length W + length cs).
  { intros cs Hin Hsum. destruct (coins_to_path W [] cs t Hin) as [es [Hes Hlen]].
    rewrite Hsum in Hes. now exists es. }
  assert (Hcoins : forall es, is_wide_path W (t, 0) es (t + n, length W) ->
    exists cs, incl cs (concat W) /\ list_sum cs = n /\ length es = length W + length cs).
  { intros es Hes. destruct (path_to_coins _ _ _ _ _ Hes) as [cs [Hin [_ [Hsum Hlen]]]].
    simpl in Hsum, Hlen. exists cs. repeat split; [assumption | lia | lia]. }
  split.
  - intros [[es [Hes <-]] Hmin]. destruct (Hcoins es Hes) as [cs [Hin [Hsum Hlen]]].
    split; [lia|]. split; [exists cs; repeat split; [assumption | assumption | lia]|].
    intros j [cs' [Hin' [Hsum' Hle]]]. destruct (Hpath cs' Hin' Hsum') as [es' [Hes' Hlen']].
    specialize (Hmin es' Hes'). lia.
  - intros [Hm [[cs [Hin [Hsum Hle]]] Hmin]].
    assert (Hleast : forall es, is_wide_path W (t, 0) es (t + n, length W) -> m <= length es).
    { intros es Hes. destruct (Hcoins es Hes) as [cs' [Hin' [Hsum' Hlen']]].
      assert (m - length W <= length cs'); [|lia].
      apply Hmin. exists cs'. repeat split; [assumption | assumption | lia]. }
    split; [|assumption]. destruct (Hpath cs Hin Hsum) as [es [Hes Hlen]].
    exists es. split; [assumption|]. specialize (Hleast es Hes). lia.
Qed.

(** Only which lags there are matters to the fewest coins. *)
Lemma fewest_of_same_lags : forall D E n k,
  (forall s, In s D <-> In s E) -> fewest D n k -> fewest E n k.
Proof.
  intros D E n k Hsame Hk.
  assert (Hreach : forall j, reaches D n j <-> reaches E n j).
  { intros j. split; intros [cs [Hin Hcs]]; exists cs; (split; [|assumption]);
      intros c Hc; apply Hsame, Hin, Hc. }
  apply fewest_reaches in Hk as [Hk Hmin]. apply fewest_reaches. split; [now apply Hreach|].
  intros j Hj. apply Hmin. now apply Hreach.
Qed.

(** The mean from the fewest coins .. *)
Theorem wide_mean_of_coins : forall W D m (c : nat -> nat), 1 <= m ->
  (forall s, In s (concat W) <-> In s D) ->
  (forall n, 1 <= n <= m -> fewest D n (c n)) ->
  is_wide_mean W m (Qnat (length W) + Qnat (list_sum (map c (seq 1 m))) / Qnat m)%Q.
Proof.
  intros W D m c Hm Hsame Hc. exists (fun n => length W + c n). split.
  - intros n Hn.
    assert (Hd : forall t, is_wide_distance W (t, 0) (t + n, length W) (length W + c n)).
    { intros t. apply wide_distance_by_coins. split; [lia|].
      replace (length W + c n - length W) with (c n) by lia.
      apply (fewest_of_same_lags D); [|now apply Hc]. intros s. symmetry. apply Hsame. }
    split; [exists 0; apply Hd | intros t; exists (length W + c n); split; [apply Hd | lia]].
  - rewrite sum_with_layers, Qnat_add, Qnat_mul. field. apply Qnat_nonzero. lia.
Qed.

(** .. which it has wherever it exists. *)
Theorem coins_of_wide_mean : forall W m q, 1 <= m -> is_wide_mean W m q ->
  exists c, (forall n, 1 <= n <= m -> fewest (concat W) n (c n)) /\
    (q == Qnat (length W) + Qnat (list_sum (map c (seq 1 m))) / Qnat m)%Q.
Proof.
  intros W m q Hm [d [Hd Hq]].
  assert (Hc : forall n, 1 <= n <= m ->
    length W <= d n /\ fewest (concat W) n (d n - length W)).
  { intros n Hn. destruct (Hd n Hn) as [[t Ht] _]. now apply wide_distance_by_coins in Ht. }
  exists (fun n => d n - length W). split; [intros n Hn; now apply Hc|].
  rewrite Hq, (map_ext_in d (fun n => length W + (d n - length W))).
  - rewrite sum_with_layers, Qnat_add, Qnat_mul. field. apply Qnat_nonzero. lia.
  - intros n Hn. apply in_seq in Hn. specialize (Hc n ltac:(lia)). lia.
Qed.

(** The mean of a stack with the same lags, one in each layer, differs by the layers. *)
Corollary wide_mean_of_stack : forall W D m q, 1 <= m ->
  (forall s, In s (concat W) <-> In s D) -> is_mean_recurrent_length D m q ->
  is_wide_mean W m (q - Qnat (length D) + Qnat (length W))%Q.
Proof.
  intros W D m q Hm Hsame Hq. destruct (coins_of_mean D m q Hm Hq) as [c [Hc Heq]].
  destruct (wide_mean_of_coins W D m c Hm Hsame Hc) as [d [Hd Hd']].
  exists d. split; [assumption|]. rewrite <- Hd', Heq. ring.
Qed.
