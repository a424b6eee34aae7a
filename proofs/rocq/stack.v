(** * Stacks of dilated layers: the definitions that every proof shares

    A stack is the list of its dilations, bottom layer first.  This file defines
    - the unfolded graph of a stack, its paths, and the shortest of them;
    - paying a sum with coins whose values are the dilations;
    - the mean recurrent length;
    - divisor chains, their ratios, and the exponential stack. *)

From Coq Require Import Arith List Lia QArith Permutation.
Import ListNotations.
Open Scope nat_scope.

Definition stack := list nat.

(** Dilations are positive. *)
Definition positive (D : stack) : Prop := Forall (fun s => 0 < s) D.

(** ** The unfolded graph *)

(** A node is (time, layer); layer 0 is the input, layers 1..L are the stack's. *)
Definition node : Set := nat * nat.

(** Edges lead up one layer at one time, or along layer l (from 1 on) by its dilation;
    [nth_error D l] is the dilation of layer [l + 1]. *)
Inductive is_edge (D : stack) : node -> node -> Prop :=
| vertical : forall t l,
    l < length D -> is_edge D (t, l) (t, l + 1)
| recurrent : forall t l s,
    nth_error D l = Some s -> is_edge D (t, l + 1) (t + s, l + 1).

(** A path is a list of edges, each starting where the one before it ended. *)
Definition edge : Set := node * node.

Fixpoint is_path (D : stack) (u : node) (es : list edge) (v : node) : Prop :=
  match es with
  | [] => u = v
  | (x, y) :: es' => u = x /\ is_edge D x y /\ is_path D y es' v
  end.

(** The lag of an edge is the time it spans; the lag of a path is the sum over its edges. *)
Definition lag_of_edge (e : edge) : nat := fst (snd e) - fst (fst e).
Definition lag_of_path (es : list edge) : nat := list_sum (map lag_of_edge es).

(** [m] is the number of edges on a shortest path from [u] to [v]. *)
Definition is_distance (D : stack) (u v : node) (m : nat) : Prop :=
  (exists es, is_path D u es v /\ length es = m) /\
  (forall es, is_path D u es v -> m <= length es).

(** ** Paying a sum with coins *)

(** [ks] says how many coins of each dilation are used, in the order of the stack. *)
Fixpoint value (D : stack) (ks : list nat) : nat :=
  match D, ks with
  | s :: D', k :: ks' => k * s + value D' ks'
  | _, _ => 0
  end.

Definition pays (D : stack) (ks : list nat) (n : nat) : Prop :=
  length ks = length D /\ value D ks = n.

Definition payable (D : stack) (n : nat) : Prop := exists ks, pays D ks n.

(** [k] is the fewest coins that pay [n]. *)
Definition fewest (D : stack) (n k : nat) : Prop :=
  (exists ks, pays D ks n /\ list_sum ks = k) /\
  (forall ks, pays D ks n -> k <= list_sum ks).

(** ** The mean recurrent length *)

(** [m] is the largest of the distances d_t(n) from the input at time [t] to the top layer at
    time [t + n], over all starting times [t]; none of them is infinite. *)
Definition is_worst_distance (D : stack) (n m : nat) : Prop :=
  (exists t, is_distance D (t, 0) (t + n, length D) m) /\
  (forall t, exists m', is_distance D (t, 0) (t + n, length D) m' /\ m' <= m).

Definition Qnat (n : nat) : Q := inject_Z (Z.of_nat n).

(** [q] is the mean of the worst distances over the lags 1..m. *)
Definition is_mean_recurrent_length (D : stack) (m : nat) (q : Q) : Prop :=
  exists d : nat -> nat,
    (forall n, 1 <= n <= m -> is_worst_distance D n (d n)) /\
    (q == Qnat (list_sum (map d (seq 1 m))) / Qnat m)%Q.

(** The stacks of [schemes] have the mean recurrent length [q] over the lags 1..m; no stack of L
    dilations, whatever these are, has a smaller one, and one that has [q] is one of [schemes], its
    layers in whatever order. *)
Definition all_optima (L m : nat) (q : Q) (schemes : list stack) : Prop :=
  (forall S, In S schemes -> is_mean_recurrent_length S m q) /\
  (forall D q', positive D -> length D = L -> is_mean_recurrent_length D m q' ->
    (q <= q')%Q /\
    ((q' == q)%Q <-> exists S, In S schemes /\ Permutation S D)).

(** ** Divisor chains *)

Fixpoint each_divides_next (D : stack) : Prop :=
  match D with
  | s :: (s' :: _) as D' => Nat.divide s s' /\ each_divides_next D'
  | _ => True
  end.

(** 1 = s_1 | s_2 | .. | s_L. *)
Definition divisor_chain (D : stack) : Prop :=
  hd 0 D = 1 /\ positive D /\ each_divides_next D.

(** n_i = s_i / s_(i-1), for i = 2..L. *)
Fixpoint ratios (D : stack) : list nat :=
  match D with
  | s :: (s' :: _) as D' => s' / s :: ratios D'
  | _ => []
  end.

(** The dilations 1, M, .., M^(L-1). *)
Definition exponential (L M : nat) : stack := map (fun l => M ^ l) (seq 0 L).

(** ** Small lemmas on payments and distances *)

(** Add one coin of the dilation at index [i]. *)
Fixpoint add_coin (i : nat) (ks : list nat) : list nat :=
  match ks, i with
  | [], _ => []
  | k :: ks', 0 => S k :: ks'
  | k :: ks', S i' => k :: add_coin i' ks'
  end.

(** Adding a coin leaves the number of kinds as it was. *)
Lemma length_add_coin : forall ks i, length (add_coin i ks) = length ks.
Proof. induction ks; destruct i; simpl; auto. Qed.

(** Adding a coin makes one coin more. *)
Lemma sum_add_coin : forall ks i,
  i < length ks -> list_sum (add_coin i ks) = S (list_sum ks).
Proof.
  induction ks as [|k ks IH]; intros i Hi; simpl in *; [lia|].
  destruct i; simpl; [|rewrite IH]; lia.
Qed.

(** Adding a coin of value [s] adds [s] to what is paid. *)
Lemma value_add_coin : forall D ks i s,
  length ks = length D -> nth_error D i = Some s ->
  value D (add_coin i ks) = s + value D ks.
Proof.
  induction D as [|s' D IH]; intros [|k ks] [|i] s Hlen Hs; simpl in *; try discriminate.
  - injection Hs as ->. lia.
  - rewrite (IH ks i s); [lia | congruence | assumption].
Qed.

(** The fewest coins are one number. *)
Lemma fewest_unique : forall D n k k', fewest D n k -> fewest D n k' -> k = k'.
Proof.
  intros D n k k' [[ks [Hp <-]] Hmin] [[ks' [Hp' <-]] Hmin'].
  apply Nat.le_antisymm; auto.
Qed.

(** The distance is one number. *)
Lemma distance_unique : forall D u v m m',
  is_distance D u v m -> is_distance D u v m' -> m = m'.
Proof.
  intros D u v m m' [[es [Hp <-]] Hmin] [[es' [Hp' <-]] Hmin'].
  apply Nat.le_antisymm; auto.
Qed.

(** The worst distance is one number. *)
Lemma worst_distance_unique : forall D n m m',
  is_worst_distance D n m -> is_worst_distance D n m' -> m = m'.
Proof.
  intros D n m m' [[t Ht] Hall] [[t' Ht'] Hall'].
  destruct (Hall t') as [x [Hx Hle]], (Hall' t) as [x' [Hx' Hle']].
  rewrite (distance_unique _ _ _ _ _ Hx Ht') in Hle.
  rewrite (distance_unique _ _ _ _ _ Hx' Ht) in Hle'. lia.
Qed.

(** The mean recurrent length is one rational. *)
Lemma mean_unique : forall D m q q',
  is_mean_recurrent_length D m q -> is_mean_recurrent_length D m q' -> (q == q')%Q.
Proof.
  intros D m q q' [d [Hd ->]] [d' [Hd' ->]].
  rewrite (map_ext_in d d'); [reflexivity|].
  intros n Hn. apply in_seq in Hn.
  apply (worst_distance_unique D n); [apply Hd | apply Hd']; lia.
Qed.

(** ** Naturals as rationals *)

Lemma Qnat_add : forall a b, (Qnat (a + b) == Qnat a + Qnat b)%Q.
Proof. intros. unfold Qnat. rewrite Nat2Z.inj_add, inject_Z_plus. reflexivity. Qed.

Lemma Qnat_mul : forall a b, (Qnat (a * b) == Qnat a * Qnat b)%Q.
Proof. intros. unfold Qnat. rewrite Nat2Z.inj_mul, inject_Z_mult. reflexivity. Qed.

Lemma Qnat_pred : forall a, 1 <= a -> (Qnat (a - 1) == Qnat a - 1)%Q.
Proof.
  intros a Ha. unfold Qnat. rewrite Nat2Z.inj_sub by assumption.
  unfold Z.sub. rewrite inject_Z_plus. reflexivity.
Qed.

Lemma Qnat_nonzero : forall a, 0 < a -> ~ (Qnat a == 0)%Q.
Proof. intros a Ha. unfold Qnat, Qeq. simpl. lia. Qed.

(** Order and equality of naturals, as rationals. *)
Lemma Qnat_le : forall a b, (Qnat a <= Qnat b)%Q <-> a <= b.
Proof. intros. unfold Qnat. rewrite <- Zle_Qle. lia. Qed.

Lemma Qnat_eq : forall a b, (Qnat a == Qnat b)%Q <-> a = b.
Proof. intros. unfold Qnat. rewrite inject_Z_injective. lia. Qed.

Lemma Qnat_positive : forall a, 0 < a -> (0 < Qnat a)%Q.
Proof. intros a Ha. unfold Qnat. rewrite <- (Zlt_Qlt 0). lia. Qed.

Lemma Qnat_not_negative : forall a, (0 <= Qnat a)%Q.
Proof. intros a. unfold Qnat. rewrite <- (Zle_Qle 0). lia. Qed.

(** Numbers over the same number compare as they do. *)
Lemma Qnat_div_le : forall a b m, 1 <= m -> (Qnat a / Qnat m <= Qnat b / Qnat m)%Q <-> a <= b.
Proof.
  intros a b m Hm. rewrite <- Qnat_le. unfold Qdiv. apply Qmult_le_r.
  apply Qinv_lt_0_compat, Qnat_positive. lia.
Qed.

Lemma Qnat_div_eq : forall a b m, 1 <= m -> (Qnat a / Qnat m == Qnat b / Qnat m)%Q <-> a = b.
Proof.
  intros a b m Hm. rewrite <- Qnat_eq. unfold Qdiv. apply Qmult_inj_r.
  intros H. pose proof (Qinv_lt_0_compat _ (Qnat_positive m ltac:(lia))) as Hpos.
  rewrite H in Hpos. discriminate.
Qed.
