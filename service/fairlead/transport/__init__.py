"""The only outbound sockets: egress policy, bounded answers, redirects by our own rules (D12)."""
