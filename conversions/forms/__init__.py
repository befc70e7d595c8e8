"""What people send, checked and put into the contract's words. No policy: that is the actions'."""
