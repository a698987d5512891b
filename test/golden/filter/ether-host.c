/* ether host 02:00:00:00:00:01 */

/* window 16, reach 12, beyond false */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	if (p->linear < 0xc)
		return xcap_outside(p, 0xc);
	if (XCAP_WINDOW(w, 0, 16, p->start, 0))
		return 0;
	A = XCAP_OF_WORD(be32, w + 4, 4, xcap_be32(w + 8));
	if (A != 1)
		goto b4;
	A = XCAP_OF_WORD(be16, w + 4, 2, xcap_be16(w + 6));
	if (A == 0x200)
		return 0x40000;
b4:
	A = XCAP_OF_WORD(be32, w + 0, 2, xcap_be16(w + 2) << 16 | xcap_be16(w + 4));
	if (A != 1)
		return 0;
	A = XCAP_OF_WORD(be16, w + 0, 0, xcap_be16(w + 0));
	if (A == 0x200)
		return 0x40000;
	return 0;
}

/* raw IP: it matches by their link header only */
