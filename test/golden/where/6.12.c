/* reason == NETFILTER_DROP && netns != self && (comm == "curl" || pid in 10..20) && skb.mark & 0xff == 3 */
/* not (len > skb.dev.mtu || ntohs(sk.sk_dport) in {80, 443}) and dev.name ~ "eth" */
/* skb.pkt_type != 0 && sk.sk_mark & 0xf0 == 0x10 && skb.dev && skb.skb_iif == ifindex */
/* {
  "sk_buff": [
    "mark",
    "dev",
    "pkt_type",
    "skb_iif"
  ],
  "net_device": [
    "mtu",
    "name"
  ],
  "sock": [
    "__sk_common.skc_dport",
    "__sk_common.skc_state",
    "sk_mark"
  ]
} */
#include "filter/where.h"

static __always_inline u32 xcap_where_0(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	if (!xcap_hit_location(hit))
		return 0;
	u64 v0 = xcap_hit_reason(hit);
	return v0 == 0x4ull;
}

static __always_inline u32 xcap_where_1(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	if (!xcap_netns(net))
		return 0;
	u64 v0 = xcap_netns(net);
	return v0 != (u64)XCAP_WHERE_VALUE_0;
}

static __always_inline u32 xcap_where_2(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	if (xcap_where_context(hit) > XCAP_CONTEXT_PROCESS)
		return 0;
	xcap_get_current_comm(text, 16);
	return ((text[0] & 0xffffffffffull) == 0x6c727563ull);
}

static __always_inline u32 xcap_where_3(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	if (xcap_where_context(hit) > XCAP_CONTEXT_PROCESS)
		return 0;
	u64 v0 = xcap_get_current_pid_tgid() >> 32;
	return (v0 >= 0xaull && v0 <= 0x14ull);
}

static __always_inline u32 xcap_where_4(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	struct sk_buff *p1 = hit->skb;
	u64 v0 = ((u64)((u32)READ(p1, mark)) & (u64)(0xffull));
	return v0 == 0x3ull;
}

static __always_inline u32 xcap_where_5(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	s64 v0 = xcap_where_length(hit, view);
	struct sk_buff *p2 = hit->skb;
	struct net_device *p3 = READ(p2, dev);
	XCAP_WHERE_THERE(p3);
	s64 v1 = (u32)READ(p3, mtu);
	return v0 > v1;
}

static __always_inline u32 xcap_where_6(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	struct sock *p1 = xcap_packet_sk(hit);
	XCAP_WHERE_THERE(p1);
	u64 v0 = XCAP_BE16((u16)(u16)READ(p1, __sk_common.skc_dport));
	return v0 == 0x50ull ||
	       v0 == 0x1bbull;
}

static __always_inline u32 xcap_where_7(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	struct net_device *p0 = xcap_where_dev(net);
	XCAP_WHERE_THERE(p0);
	text[0] = 0;
	if (xcap_probe_read_kernel(text, 4, &p0->name))
		return 0;
	return ((text[0] & 0xffffffull) == 0x687465ull);
}

static __always_inline u32 xcap_where_8(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	struct sk_buff *p1 = hit->skb;
	u64 v0 = XCAP_BITS_sk_buff__pkt_type(PROBE, p1);
	return v0 != 0x0ull;
}

static __always_inline u32 xcap_where_9(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	struct sock *p1 = xcap_packet_sk(hit);
	XCAP_WHERE_THERE(p1);
	XCAP_WHERE_FULL_SOCK(READ, p1);
	u64 v0 = ((u64)((u32)READ(p1, sk_mark)) & (u64)(0xf0ull));
	return v0 == 0x10ull;
}

static __always_inline u32 xcap_where_10(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	struct sk_buff *p1 = hit->skb;
	u64 v0 = (u64)PROBE(p1, dev);
	return v0 != 0x0ull;
}

static __always_inline u32 xcap_where_11(const struct xcap_hit *hit,
					const struct xcap_net *net,
					const struct xcap_view *view, u64 *text)
{
	struct sk_buff *p1 = hit->skb;
	s64 v0 = (s32)READ(p1, skb_iif);
	if (!xcap_where_dev(net))
		return 0;
	s64 v2 = xcap_ifindex(net);
	return v0 == v2;
}

static __always_inline u32 xcap_reject_where(const struct xcap_hit *hit,
					    const struct xcap_net *net,
					    const struct xcap_view *view)
{
	u64 text[2];

	if (((xcap_where_0(hit, net, view, text) &&
	     xcap_where_1(hit, net, view, text) &&
	     (xcap_where_2(hit, net, view, text) ||
	     xcap_where_3(hit, net, view, text)) &&
	     xcap_where_4(hit, net, view, text)) &&
	     (!(xcap_where_5(hit, net, view, text) ||
	     xcap_where_6(hit, net, view, text)) &&
	     xcap_where_7(hit, net, view, text)) &&
	     (xcap_where_8(hit, net, view, text) &&
	     xcap_where_9(hit, net, view, text) &&
	     xcap_where_10(hit, net, view, text) &&
	     xcap_where_11(hit, net, view, text))))
		return 0;
	return XCAP_COUNT_REJECTED_WHERE;
}
