// Only packets that are about to run out of hops, and bigger than their time to live.
static inline int xcap_ext_filter(void *ext, void *pkt, u16 trace_index)
{
	u32 version, ttl;

	if (xcap_u8(pkt, 14, &version) || version >> 4 != 4 || xcap_u8(pkt, 22, &ttl))
		return 0;
	return ttl < 10 && xcap_length(pkt) > ttl;
}
