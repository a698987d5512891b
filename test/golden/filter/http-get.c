/* tcp[tcp[12]>>2&0x3c:4] = 0x47455420 */

/* window 144, reach 142, beyond false */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A, X;
#if XCAP_VAR_STACK
	u64 i;
#endif

	if (p->linear < 0x18)
		return xcap_outside(p, 0x18);
#if XCAP_VAR_STACK
	if (XCAP_WINDOW(w, 2, 136, p->start, 0xc))
		return 0;
#else
	if (XCAP_WINDOW(w, 2, 16, p->start, 0xc))
		return 0;
#endif
	A = XCAP_OF_WORD(be16, w - 3, 5, xcap_be16(w + 2));
	if (A != 0x800)
		return 0;
	A = XCAP_OF_WORD(byte, w + 6, 7, xcap_byte(w + 13));
	if (A != 6)
		return 0;
	A = XCAP_OF_WORD(be16, w + 6, 4, xcap_be16(w + 10));
	if (A & 0x1fff)
		return 0;
	X = XCAP_OF_WORD(byte, w - 3, 7, xcap_byte(w + 4));
	X = (X & 0xf) << 2;
	if (p->linear < X + 0x1b)
		return xcap_outside(p, X + 0x1b);
#if XCAP_VAR_STACK
	i = xcap_mask(X, 0x3c);
	A = xcap_byte(w + 16 + i);
#else
	if (xcap_fetch8(p, X + 0x1a, &A))
		return 0;
#endif
	A >>= 2;
	A &= 0x3c;
	A += X;
	X = A;
	if (p->linear < X + 0x12)
		return xcap_outside(p, X + 0x12);
#if XCAP_VAR_STACK
	i = xcap_mask(X, 0x7c);
	A = xcap_be32(w + 4 + i);
#else
	if (xcap_fetch32(p, X + 0xe, &A))
		return 0;
#endif
	if (A == 0x47455420)
		return 0x40000;
	return 0;
}

/* window 128, reach 128, beyond false */
static __always_inline u32 xcap_filter_l3(struct xcap_pkt *p, u8 *w)
{
	u32 A, X;
#if XCAP_VAR_STACK
	u64 i;
#endif

	if (p->linear < 0xa)
		return xcap_outside(p, 0xa);
#if XCAP_VAR_STACK
	if (XCAP_WINDOW(w, 0, 128, p->start, 0))
		return 0;
#else
	if (XCAP_WINDOW(w, 0, 16, p->start, 0))
		return 0;
#endif
	A = xcap_byte(w + 0);
	A &= 0xf0;
	if (A != 0x40)
		return 0;
	A = XCAP_OF_WORD(byte, w + 2, 7, xcap_byte(w + 9));
	if (A != 6)
		return 0;
	A = XCAP_OF_WORD(be16, w + 2, 4, xcap_be16(w + 6));
	if (A & 0x1fff)
		return 0;
	X = xcap_byte(w + 0);
	X = (X & 0xf) << 2;
	if (p->linear < X + 0xd)
		return xcap_outside(p, X + 0xd);
#if XCAP_VAR_STACK
	i = xcap_mask(X, 0x3c);
	A = xcap_byte(w + 12 + i);
#else
	if (xcap_fetch8(p, X + 0xc, &A))
		return 0;
#endif
	A >>= 2;
	A &= 0x3c;
	A += X;
	X = A;
	if (p->linear < X + 4)
		return xcap_outside(p, X + 4);
#if XCAP_VAR_STACK
	i = xcap_mask(X, 0x7c);
	A = xcap_be32(w + 0 + i);
#else
	if (xcap_fetch32(p, X, &A))
		return 0;
#endif
	if (A == 0x47455420)
		return 0x40000;
	return 0;
}
