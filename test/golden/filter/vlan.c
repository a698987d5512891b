/* vlan and udp */

/* window 48, reach 59, beyond false */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	if (p->linear < 0x19)
		return xcap_outside(p, 0x19);
	if (XCAP_WINDOW(w, 0, 48, p->start, 0xc))
		return 0;
	A = XCAP_OF_WORD(be16, w - 2, 2, xcap_be16(w + 0));
	if (A == 0x8100)
		goto b4;
	if (A == 0x88a8)
		goto b4;
	if (A != 0x9100)
		return 0;
b4:
	A = XCAP_OF_WORD(be16, w - 2, 6, xcap_be16(w + 4));
	if (A != 0x800)
		goto b8;
	if (p->linear < 0x1c)
		return xcap_outside(p, 0x1c);
	A = xcap_byte(w + 15);
	if (A == 0x11)
		return 0x40000;
	return 0;
b8:
	if (A != 0x86dd)
		return 0;
	A = xcap_byte(w + 12);
	if (A == 0x11)
		return 0x40000;
	if (p->linear < 0x3b)
		return xcap_outside(p, 0x3b);
	if (A != 0x2c)
		return 0;
	A = xcap_byte(w + 46);
	if (A == 0x11)
		return 0x40000;
	return 0;
}

/* raw IP: it matches by their link header only */
