/* icmp */

/* window 16, reach 24, beyond false */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	if (p->linear < 0x18)
		return xcap_outside(p, 0x18);
	if (XCAP_WINDOW(w, 0, 16, p->start, 0xc))
		return 0;
	A = xcap_be16(w + 0);
	if (A != 0x800)
		return 0;
	A = xcap_byte(w + 11);
	if (A == 1)
		return 0x40000;
	return 0;
}

/* window 16, reach 10, beyond false */
static __always_inline u32 xcap_filter_l3(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	if (p->linear < 0xa)
		return xcap_outside(p, 0xa);
	if (XCAP_WINDOW(w, 0, 16, p->start, 0))
		return 0;
	A = xcap_byte(w + 0);
	A &= 0xf0;
	if (A != 0x40)
		return 0;
	A = xcap_byte(w + 9);
	if (A == 1)
		return 0x40000;
	return 0;
}
