"""Where a recording can be sent: endpoints, their voices and models, and the catalogue that keeps them in step."""
