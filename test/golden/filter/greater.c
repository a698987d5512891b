/* greater 1000 */

/* window 0, reach 0, beyond false */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	A = p->wire_len;
	if (A >= 0x3e8)
		return 0x40000;
	return 0;
}

/* window 0, reach 0, beyond false */
static __always_inline u32 xcap_filter_l3(struct xcap_pkt *p, u8 *w)
{
	u32 A;

	A = p->wire_len;
	if (A >= 0x3e8)
		return 0x40000;
	return 0;
}
