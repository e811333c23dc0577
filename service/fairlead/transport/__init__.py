"""The only outbound sockets: egress policy, bounded answers, nothing followed and nothing resent (D12)."""
