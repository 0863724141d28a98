"""Wrong inputs, made at random: `make fuzz`. Each must be accepted, or refused by the rules."""
