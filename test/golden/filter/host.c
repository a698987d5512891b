/* icmp and host 10.9.0.2 */

/* window 32, reach 34, beyond false */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	if (p->linear < 0x1e)
		return xcap_outside(p, 0x1e);
	if (XCAP_WINDOW(w, 2, 24, p->start, 0xc))
		return 0;
	A = xcap_be16(w + 2);
	if (A != 0x800)
		return 0;
	A = xcap_byte(w + 13);
	if (A != 1)
		return 0;
	A = xcap_be32(w + 16);
	if (A == 0xa090002)
		return 0x40000;
	if (p->linear < 0x22)
		return xcap_outside(p, 0x22);
	A = xcap_be32(w + 20);
	if (A == 0xa090002)
		return 0x40000;
	return 0;
}

/* window 24, reach 20, beyond false */
static __always_inline u32 xcap_filter_l3(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	if (p->linear < 0x10)
		return xcap_outside(p, 0x10);
	if (XCAP_WINDOW(w, 0, 24, p->start, 0))
		return 0;
	A = xcap_byte(w + 0);
	A &= 0xf0;
	if (A != 0x40)
		return 0;
	A = xcap_byte(w + 9);
	if (A != 1)
		return 0;
	A = xcap_be32(w + 12);
	if (A == 0xa090002)
		return 0x40000;
	if (p->linear < 0x14)
		return xcap_outside(p, 0x14);
	A = xcap_be32(w + 16);
	if (A == 0xa090002)
		return 0x40000;
	return 0;
}
