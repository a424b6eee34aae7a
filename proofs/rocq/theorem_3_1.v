(** * Theorem 3.1 of Chang et al.: exponential dilations are the best divisor chain

    Among the stacks of L layers with 1 = s_1 | s_2 | .. | s_L = m = M^(L-1), the sum of the ratios
    n_i = s_i / s_(i-1) is least exactly when every n_i is M (the inequality of the arithmetic and
    the geometric mean, with its case of equality).  Hence the exponential stack 1, M, .., M^(L-1),
    and no other, has the least mean recurrent length over the lags 1..m:
    L + (L - 1)(M - 1)/2 + 1/m. *)
(* Theorem objects: theorem_3_1, exponential_mean *)

From Coq Require Import Arith List Lia QArith Qfield.
From drnn_theory Require Import stack brute_force fewest_coins divisor_chain_digits.
From drnn_theory Require Import divisor_chain_mean.
Import ListNotations.
Open Scope nat_scope.

Definition product (xs : list nat) : nat := fold_right Nat.mul 1 xs.

(** ** Arithmetic and geometric mean *)

(** A common factor cancels. *)
Lemma cancel : forall p a b, p <> 0 -> p * a = p * b -> a = b.
Proof. intros p a b Hp. apply Nat.mul_cancel_l. assumption. Qed.

(** A square is not negative. *)
Lemma twice_product : forall a b, 2 * (a * b) <= a * a + b * b.
Proof. intros a b. destruct (Nat.le_ge_cases a b) as [H|H]; nia. Qed.

(** The graph of b^(n+1) lies above its tangent at a. *)
Lemma tangent : forall n a b, (n + 1) * a ^ n * b <= b ^ (n + 1) + n * a ^ (n + 1).
Proof.
  induction n as [|n IH]; intros a b; [simpl; lia|].
  specialize (IH a b). rewrite !Nat.add_1_r, !Nat.pow_succ_r' in *.
  pose proof (Nat.mul_le_mono_r _ _ b IH).
  pose proof (Nat.mul_le_mono_l _ _ (S n * a ^ n) (twice_product a b)). nia.
Qed.

(** It meets the tangent nowhere else. *)
Lemma tangent_strict : forall n a b, 0 < a -> 1 <= n -> a <> b ->
  (n + 1) * a ^ n * b < b ^ (n + 1) + n * a ^ (n + 1).
Proof.
  intros [|n] a b Ha Hn Hab; [lia|].
  pose proof (tangent n a b) as Hbelow. rewrite !Nat.add_1_r, !Nat.pow_succ_r' in *.
  assert (Hpow : 0 < a ^ n) by (apply Nat.neq_0_lt_0; apply Nat.pow_nonzero; lia).
  assert (Hsquare : 2 * (a * b) + 1 <= a * a + b * b)
    by (destruct (Nat.lt_gt_cases a b) as [[H|H] _]; [assumption | nia | nia]).
  pose proof (Nat.mul_le_mono_r _ _ b Hbelow).
  pose proof (Nat.mul_le_mono_l _ _ (S n * a ^ n) Hsquare).
  assert (0 < S n * a ^ n) by (apply Nat.mul_pos_pos; lia). nia.
Qed.

(** One number more, of any size, beside k numbers of sum s. *)
Lemma one_more : forall k s x, 1 <= k ->
  (k + 1) ^ (k + 1) * (s ^ k * x) <= k ^ k * (s + x) ^ (k + 1).
Proof.
  intros k s x Hk. pose proof (tangent k ((k + 1) * s) (k * (s + x))) as H.
  rewrite !Nat.add_1_r, !Nat.pow_succ_r', !Nat.pow_mul_l in *.
  apply (Nat.mul_le_mono_pos_l _ _ k); [lia|]. nia.
Qed.

(** It costs nothing only when it is their mean. *)
Lemma one_more_strict : forall k s x, 1 <= k -> 0 < s -> k * x <> s ->
  (k + 1) ^ (k + 1) * (s ^ k * x) < k ^ k * (s + x) ^ (k + 1).
Proof.
  intros k s x Hk Hs Hx.
  pose proof (tangent_strict k ((k + 1) * s) (k * (s + x)) ltac:(nia) Hk ltac:(nia)) as H.
  rewrite !Nat.add_1_r, !Nat.pow_succ_r', !Nat.pow_mul_l in *.
  apply (Nat.mul_lt_mono_pos_l k); [lia|]. nia.
Qed.

(** AM-GM without division: k^k times the product is at most the k-th power of the sum. *)
Theorem am_gm : forall xs,
  length xs ^ length xs * product xs <= list_sum xs ^ length xs.
Proof.
  induction xs as [|x xs IH]; [reflexivity|].
  change (length (x :: xs)) with (S (length xs)).
  change (product (x :: xs)) with (x * product xs).
  change (list_sum (x :: xs)) with (x + list_sum xs).
  set (k := length xs) in *. set (P := product xs) in *. set (s := list_sum xs) in *.
  destruct (Nat.eq_dec k 0) as [Hk|Hk].
  - rewrite Hk in *. assert (P = 1) as -> by (unfold P; now destruct xs). simpl. lia.
  - pose proof (one_more k s x ltac:(lia)) as Hstep. rewrite Nat.add_1_r, (Nat.add_comm s) in Hstep.
    apply (Nat.mul_le_mono_pos_l _ _ (k ^ k)); [apply Nat.neq_0_lt_0, Nat.pow_nonzero; lia|].
    etransitivity; [|exact Hstep].
    pose proof (Nat.mul_le_mono_l _ _ (S k ^ S k * x) IH). lia.
Qed.

(** Numbers that are not 0 do not sum to 0. *)
Lemma sum_at_least_length : forall xs, Forall (fun x => 1 <= x) xs -> length xs <= list_sum xs.
Proof. unfold list_sum. induction 1; simpl; lia. Qed.

(** Equality makes every number the mean. *)
Theorem am_gm_equality : forall xs,
  Forall (fun x => 1 <= x) xs ->
  length xs ^ length xs * product xs = list_sum xs ^ length xs ->
  Forall (fun x => length xs * x = list_sum xs) xs.
Proof.
  induction 1 as [|x xs Hx Hpos IH]; intros Heq; [constructor|].
  change (length (x :: xs)) with (S (length xs)) in *.
  change (product (x :: xs)) with (x * product xs) in *.
  change (list_sum (x :: xs)) with (x + list_sum xs) in *.
  pose proof (am_gm xs) as Hle. pose proof (sum_at_least_length xs Hpos) as Hsum.
  destruct (Nat.eq_dec (length xs) 0) as [Hk|Hk].
  { apply length_zero_iff_nil in Hk as ->. repeat constructor. }
  set (k := length xs) in *. set (P := product xs) in *. set (s := list_sum xs) in *.
  assert (Hkk : 0 < S k ^ S k) by (apply Nat.neq_0_lt_0, Nat.pow_nonzero; lia).
  assert (Hxk : k * x = s).
  { destruct (Nat.eq_dec (k * x) s) as [|Hne]; [assumption|].
    pose proof (one_more_strict k s x ltac:(lia) ltac:(lia) Hne) as Hlt.
    rewrite Nat.add_1_r, (Nat.add_comm s), <- Heq in Hlt.
    pose proof (Nat.mul_le_mono_l _ _ (S k ^ S k * x) Hle). lia. }
  assert (HP : k ^ k * P = s ^ k).
  { rewrite <- Hxk, Nat.pow_mul_l. f_equal.
    replace (x + s) with (S k * x) in Heq by lia.
    rewrite (Nat.pow_mul_l (S k) x) in Heq.
    apply (cancel (S k ^ S k)) in Heq; [|lia].
    rewrite Nat.pow_succ_r' in Heq. apply (cancel x); [lia | exact Heq]. }
  specialize (IH HP). constructor; [lia|].
  apply (Forall_impl _ (P := fun y => k * y = s)); [|assumption].
  intros y Hy. assert (y = x) as -> by (apply (cancel k); lia). lia.
Qed.

(** ** The ratios of a chain *)

(** A chain of L dilations has L - 1 ratios. *)
Lemma length_ratios : forall D, length (ratios D) = length D - 1.
Proof.
  induction D as [|s [|s' D] IH]; try reflexivity.
  change (S (length (ratios (s' :: D))) = S (length (s' :: D)) - 1). rewrite IH. simpl. lia.
Qed.

(** The lowest dilation times all ratios is the highest. *)
Lemma product_of_ratios : forall D s,
  positive (s :: D) -> each_divides_next (s :: D) ->
  s * product (ratios (s :: D)) = last (s :: D) 0.
Proof.
  induction D as [|s' D IH]; intros s Hpos Hchain; [simpl; lia|].
  destruct Hchain as [[r Hr] Hchain]. assert (Hs : 0 < s) by now inversion Hpos.
  assert (Hpos' : positive (s' :: D)) by now inversion Hpos.
  change (last (s :: s' :: D) 0) with (last (s' :: D) 0). rewrite <- IH by assumption.
  change (product (ratios (s :: s' :: D))) with (s' / s * product (ratios (s' :: D))).
  rewrite Hr at 1. rewrite Nat.div_mul by lia. rewrite Hr. lia.
Qed.

(** Among the chains with s_L = M^(L-1) the ratios sum to (L - 1) M at least, and to just that
    exactly when every ratio is M. *)
Theorem ratios_sum_least : forall D M,
  divisor_chain D -> last D 0 = M ^ (length D - 1) ->
  (length D - 1) * M <= list_sum (ratios D) /\
  (list_sum (ratios D) = (length D - 1) * M <-> Forall (fun r => r = M) (ratios D)).
Proof.
  intros D M [Hone [Hpos Hchain]] Hlast.
  pose proof (ratios_positive D Hpos Hchain) as Hratios.
  assert (Hproduct : product (ratios D) = M ^ (length D - 1)).
  { destruct D as [|s D]; [discriminate|]. simpl in Hone. subst s.
    rewrite <- Hlast, <- product_of_ratios by assumption. lia. }
  rewrite <- length_ratios. rewrite <- length_ratios in Hproduct.
  set (rs := ratios D) in *. clearbody rs. clear - Hratios Hproduct.
  destruct rs as [|r rs]; [simpl; split; [lia | split; auto]|].
  assert (Hk : length (r :: rs) <> 0) by discriminate.
  remember (r :: rs) as all eqn:Hall. clear Hall r rs.
  pose proof (am_gm all) as Hmean. rewrite Hproduct, <- Nat.pow_mul_l in Hmean.
  split; [|split].
  - now apply (Nat.pow_le_mono_l_iff _ _ (length all)).
  - intros Hsum.
    apply (Forall_impl _ (P := fun r => length all * r = list_sum all)).
    + intros r Hr. rewrite Hsum in Hr. now apply cancel in Hr.
    + apply am_gm_equality; [assumption|]. now rewrite Hproduct, Hsum, Nat.pow_mul_l.
  - clear. unfold list_sum. induction 1 as [|r rs -> _ IH]; simpl; lia.
Qed.

(** ** The exponential stack *)

(** The exponential stack from dilation M^a on. *)
Definition exponential_from (a n M : nat) : stack := map (fun l => M ^ l) (seq a n).

(** Its dilations are positive and each divides the next. *)
Lemma exponential_is_chain : forall M, 1 <= M -> forall n a,
  positive (exponential_from a n M) /\ each_divides_next (exponential_from a n M).
Proof.
  intros M HM. induction n as [|n IH]; intros a; [repeat constructor|].
  destruct (IH (S a)) as [Hpos Hchain]. split.
  - constructor; [apply Nat.neq_0_lt_0, Nat.pow_nonzero; lia | exact Hpos].
  - destruct n as [|n]; [exact I|]. split; [|exact Hchain].
    exists M. now rewrite Nat.pow_succ_r'.
Qed.

(** All its ratios are M. *)
Lemma exponential_ratios : forall M, 1 <= M -> forall n a,
  ratios (exponential_from a n M) = repeat M (n - 1).
Proof.
  intros M HM. induction n as [|n IH]; intros a; [reflexivity|].
  destruct n as [|n]; [reflexivity|].
  change (ratios (exponential_from a (S (S n)) M))
    with (M ^ S a / M ^ a :: ratios (exponential_from (S a) (S n) M)).
  rewrite IH, Nat.pow_succ_r', Nat.div_mul by (apply Nat.pow_nonzero; lia).
  replace (S (S n) - 1) with (S (S n - 1)) by lia. reflexivity.
Qed.

(** Its last dilation is M^(n-1) times the first. *)
Lemma exponential_last : forall M n a, last (exponential_from a (S n) M) 0 = M ^ (a + n).
Proof.
  intros M. induction n as [|n IH]; intros a; [simpl; now rewrite Nat.add_0_r|].
  change (last (exponential_from a (S (S n)) M) 0)
    with (last (exponential_from (S a) (S n) M) 0).
  rewrite IH. f_equal. lia.
Qed.

(** A chain all of whose ratios are M is exponential. *)
Lemma all_ratios_equal : forall M D a,
  1 <= M -> positive (M ^ a :: D) -> each_divides_next (M ^ a :: D) ->
  Forall (fun r => r = M) (ratios (M ^ a :: D)) ->
  M ^ a :: D = exponential_from a (S (length D)) M.
Proof.
  intros M. induction D as [|s D IH]; intros a HM Hpos Hchain Hall; [reflexivity|].
  destruct Hchain as [[r Hr] Hchain].
  inversion Hpos as [|? ? _ Hpos']; inversion Hall as [|? ? Hratio Hall']; subst.
  rewrite Nat.div_mul in Hratio by (apply Nat.pow_nonzero; lia). subst r.
  change (M ^ a :: (M * M ^ a) :: D = M ^ a :: exponential_from (S a) (S (length D)) M).
  rewrite <- Nat.pow_succ_r' in *. f_equal. now apply IH.
Qed.

(** ** The theorem *)

(** The stacks of Theorem 3.1: L layers, 1 = s_1 | .. | s_L = M^(L-1). *)
Definition in_class (L M : nat) (D : stack) : Prop :=
  divisor_chain D /\ length D = L /\ last D 0 = M ^ (L - 1).

(** L + (L - 1)(M - 1)/2 + 1/m. *)
Definition exponential_value (L M m : nat) : Q :=
  (Qnat L + Qnat (L - 1) * (Qnat M - 1) / 2 + 1 / Qnat m)%Q.

(** The exponential stack is one of them. *)
Lemma exponential_in_class : forall L M,
  1 <= L -> 1 <= M -> in_class L M (exponential L M).
Proof.
  intros L M HL HM. destruct L as [|n]; [lia|]. repeat split.
  - apply (exponential_is_chain M HM (S n) 0).
  - apply (exponential_is_chain M HM (S n) 0).
  - unfold exponential. now rewrite map_length, seq_length.
  - replace (S n - 1) with n by lia. exact (exponential_last M n 0).
Qed.

(** A chain of the class is exponential exactly when its ratios are all M. *)
Lemma exponential_iff : forall L M D, 1 <= M -> in_class L M D ->
  (D = exponential L M <-> Forall (fun r => r = M) (ratios D)).
Proof.
  intros L M D HM [[Hone [Hpos Hchain]] [<- _]]. split; intros H.
  - rewrite H. rewrite (exponential_ratios M HM (length D) 0 : ratios (exponential _ M) = _).
    clear. generalize (length D - 1). induction n; constructor; auto.
  - destruct D as [|s D]; [discriminate|]. simpl in Hone. subst s.
    now apply (all_ratios_equal M D 0).
Qed.

(** Half the sum of n_i - 1, from the sum of the ratios. *)
Lemma half_sum_of_ratios : forall rs,
  (half_sum rs == (Qnat (list_sum rs) - Qnat (length rs)) / 2)%Q.
Proof.
  induction rs as [|r rs IH]; [reflexivity|].
  change (list_sum (r :: rs)) with (r + list_sum rs).
  change (length (r :: rs)) with (1 + length rs).
  rewrite !Qnat_add. change (half_sum (r :: rs)) with ((Qnat r - 1) / 2 + half_sum rs)%Q.
  rewrite IH. change (Qnat 1) with 1%Q. field.
Qed.

(** The mean recurrent length of a chain of the class, from the sum of its ratios. *)
Lemma mean_of_class : forall L M D, in_class L M D ->
  is_mean_recurrent_length D (M ^ (L - 1))
    (Qnat L + (Qnat (list_sum (ratios D)) - Qnat (L - 1)) / 2 + 1 / Qnat (M ^ (L - 1))).
Proof.
  intros L M D [HD [<- Hlast]].
  pose proof (divisor_chain_mean_to_last D HD) as H. cbv zeta in H. rewrite Hlast in H.
  destruct H as [d [Hd Heq]]. exists d. split; [assumption|].
  rewrite <- Heq, half_sum_of_ratios, length_ratios. reflexivity.
Qed.

(** The exponential stack has the mean L + (L - 1)(M - 1)/2 + 1/m; every chain of the class has at
    least this mean, and no chain but the exponential one has just this mean. *)
Theorem theorem_3_1 : forall (L M : nat),
  1 <= L -> 1 <= M ->
  let m := M ^ (L - 1) in
  in_class L M (exponential L M) /\
  is_mean_recurrent_length (exponential L M) m (exponential_value L M m) /\
  forall D d, in_class L M D -> is_mean_recurrent_length D m d ->
    (exponential_value L M m <= d)%Q /\
    (d == exponential_value L M m <-> D = exponential L M)%Q.
Proof.
  intros L M HL HM. cbv zeta.
  assert (Hmean : (exponential_value L M (M ^ (L - 1)) ==
    Qnat L + (Qnat ((L - 1) * M) - Qnat (L - 1)) / 2 + 1 / Qnat (M ^ (L - 1)))%Q).
  { unfold exponential_value. rewrite Qnat_mul. field.
    apply Qnat_nonzero, Nat.neq_0_lt_0, Nat.pow_nonzero. lia. }
  assert (Hsum : forall D, in_class L M D ->
    (L - 1) * M <= list_sum (ratios D) /\
    (list_sum (ratios D) = (L - 1) * M <-> D = exponential L M)).
  { intros D HD. rewrite (exponential_iff L M D HM HD). destruct HD as [HD [<- Hlast]].
    now apply ratios_sum_least. }
  pose proof (exponential_in_class L M HL HM) as Hexp.
  split; [assumption|]. split.
  - destruct (mean_of_class L M _ Hexp) as [d [Hd Heq]]. exists d. split; [assumption|].
    rewrite <- Heq, Hmean. destruct (Hsum _ Hexp) as [_ [_ ->]]; reflexivity.
  - intros D d HD Hd.
    rewrite (mean_unique _ _ _ _ Hd (mean_of_class L M D HD)), Hmean.
    destruct (Hsum D HD) as [Hle Hiff]. rewrite <- Hiff, <- Qnat_eq. split.
    + apply Qplus_le_l, Qplus_le_r. apply Qmult_le_compat_r; [|discriminate].
      apply Qplus_le_l. now apply Qnat_le.
    + split; intros H; [|now rewrite H].
      apply Qplus_inj_r, Qplus_inj_l in H. apply Qmult_inj_r in H; [|discriminate].
      now apply Qplus_inj_r in H.
Qed.

(** The mean of the exponential stack, by itself. *)
Theorem exponential_mean : forall (L M : nat),
  1 <= L -> 1 <= M ->
  let m := M ^ (L - 1) in
  is_mean_recurrent_length (exponential L M) m
    (Qnat L + Qnat (L - 1) * (Qnat M - 1) / 2 + 1 / Qnat m)%Q.
Proof. intros L M HL HM. exact (proj1 (proj2 (theorem_3_1 L M HL HM))). Qed.

(** ** Examples *)

(** Dilations 1, 2, 4, 8: 45/8. *)
Example theorem_45_8 : (exponential_value 4 2 8 == 45 # 8)%Q.
Proof. reflexivity. Qed.

(** Divisibility and s_L = m are needed.  Without s_i | s_(i+1), at m = 8 the stack 1, 3, 4, 8 is
    better (44/8 against 45/8) and at m = 27 so is 1, 5, 8, 27 (183/27 against 190/27) .. *)
Example needs_divisibility :
  is_mean_recurrent_length [1; 3; 4; 8] 8 (44 # 8) /\
  is_mean_recurrent_length [1; 2; 4; 8] 8 (45 # 8) /\
  is_mean_recurrent_length [1; 5; 8; 27] 27 (183 # 27) /\
  is_mean_recurrent_length [1; 3; 9; 27] 27 (190 # 27).
Proof. repeat split; apply mean_by_brute_force; (repeat constructor) || reflexivity. Qed.

(** .. and uniqueness needs it too: 1, 3, 4 ties with 1, 2, 4 at m = 4. *)
Example uniqueness_needs_divisibility :
  is_mean_recurrent_length [1; 3; 4] 4 (17 # 4) /\ is_mean_recurrent_length [1; 2; 4] 4 (17 # 4).
Proof. split; apply mean_by_brute_force; (repeat constructor) || reflexivity. Qed.

(** Without s_L = m, the chain 1, 2, 4 beats 1, 3, 9 at m = 9 (44/9 against 46/9). *)
Example needs_largest :
  is_mean_recurrent_length [1; 2; 4] 9 (44 # 9) /\ is_mean_recurrent_length [1; 3; 9] 9 (46 # 9).
Proof. split; apply mean_by_brute_force; (repeat constructor) || reflexivity. Qed.

Print Assumptions theorem_3_1.
Print Assumptions exponential_mean.
