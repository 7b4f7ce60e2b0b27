"""The equations of diffusion, and maps and labels made by them."""
