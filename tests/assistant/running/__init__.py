"""The assistant as it runs: in ChatMe or a process of its own, beside ChatMe or Synapse, with matrix-nio as the people in the rooms."""
