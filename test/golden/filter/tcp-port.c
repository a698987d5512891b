/* tcp port 443 */

/* window 72, reach 78, beyond false */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A, X;
#ifdef XCAP_AHEAD
	u64 ahead;
#endif
#if XCAP_VAR_STACK
	u64 i;
#endif

	if (p->linear < 0x18)
		return xcap_outside(p, 0x18);
#if XCAP_VAR_STACK
	if (XCAP_WINDOW(w, 0, 72, p->start, 0xc))
		return 0;
#else
	if (XCAP_WINDOW(w, 0, 48, p->start, 0xc))
		return 0;
#endif
	A = XCAP_OF_WORD(be16, w - 5, 5, xcap_be16(w + 0));
	if (A != 0x86dd)
		goto b8;
	if (p->linear < 0x38)
		return xcap_outside(p, 0x38);
	A = xcap_byte(w + 8);
	if (A != 6)
		return 0;
	A = xcap_be16(w + 42);
	if (A == 0x1bb)
		return 0x40000;
	if (p->linear < 0x3a)
		return xcap_outside(p, 0x3a);
	A = xcap_be16(w + 44);
	if (A == 0x1bb)
		return 0x40000;
	return 0;
b8:
	if (A != 0x800)
		return 0;
	A = XCAP_OF_WORD(byte, w + 4, 7, xcap_byte(w + 11));
	if (A != 6)
		return 0;
	A = XCAP_OF_WORD(be16, w + 4, 4, xcap_be16(w + 8));
	if (A & 0x1fff)
		return 0;
	X = XCAP_OF_WORD(byte, w - 5, 7, xcap_byte(w + 2));
	X = (X & 0xf) << 2;
	if (p->linear < X + 0x10)
		return xcap_outside(p, X + 0x10);
#ifdef XCAP_AHEAD
	ahead = XCAP_AHEAD(p, X + 0xe);
	A = xcap_be16_of(ahead, 0);
#elif XCAP_VAR_STACK
	i = xcap_mask(X, 0x3c);
	A = xcap_be16(w + 2 + i);
#else
	if (xcap_fetch16(p, X + 0xe, &A))
		return 0;
#endif
	if (A == 0x1bb)
		return 0x40000;
	if (p->linear < X + 0x12)
		return xcap_outside(p, X + 0x12);
#ifdef XCAP_AHEAD
	A = xcap_be16_of(ahead, 2);
#elif XCAP_VAR_STACK
	i = xcap_mask(X, 0x3c);
	A = xcap_be16(w + 4 + i);
#else
	if (xcap_fetch16(p, X + 0x10, &A))
		return 0;
#endif
	if (A == 0x1bb)
		return 0x40000;
	return 0;
}

/* window 64, reach 64, beyond false */
static __always_inline u32 xcap_filter_l3(struct xcap_pkt *p, u8 *w)
{
	u32 A, X;
#ifdef XCAP_AHEAD
	u64 ahead;
#endif
#if XCAP_VAR_STACK
	u64 i;
#endif

	if (p->linear < 0xa)
		return xcap_outside(p, 0xa);
#if XCAP_VAR_STACK
	if (XCAP_WINDOW(w, 0, 64, p->start, 0))
		return 0;
#else
	if (XCAP_WINDOW(w, 0, 48, p->start, 0))
		return 0;
#endif
	A = xcap_byte(w + 0);
	A &= 0xf0;
	if (A != 0x60)
		goto b9;
	if (p->linear < 0x2a)
		return xcap_outside(p, 0x2a);
	A = xcap_byte(w + 6);
	if (A != 6)
		return 0;
	A = xcap_be16(w + 40);
	if (A == 0x1bb)
		return 0x40000;
	if (p->linear < 0x2c)
		return xcap_outside(p, 0x2c);
	A = xcap_be16(w + 42);
	if (A == 0x1bb)
		return 0x40000;
	return 0;
b9:
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
	if (p->linear < X + 2)
		return xcap_outside(p, X + 2);
#ifdef XCAP_AHEAD
	ahead = XCAP_AHEAD(p, X + 0);
	A = xcap_be16_of(ahead, 0);
#elif XCAP_VAR_STACK
	i = xcap_mask(X, 0x3c);
	A = xcap_be16(w + 0 + i);
#else
	if (xcap_fetch16(p, X, &A))
		return 0;
#endif
	if (A == 0x1bb)
		return 0x40000;
	if (p->linear < X + 4)
		return xcap_outside(p, X + 4);
#ifdef XCAP_AHEAD
	A = xcap_be16_of(ahead, 2);
#elif XCAP_VAR_STACK
	i = xcap_mask(X, 0x3c);
	A = xcap_be16(w + 2 + i);
#else
	if (xcap_fetch16(p, X + 2, &A))
		return 0;
#endif
	if (A == 0x1bb)
		return 0x40000;
	return 0;
}
