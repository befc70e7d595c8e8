"""How the product runs in containers: what they execute, how they are asked for their health, the proxy in front."""
