"""The table of people and what is stored of them: split, pictures, heatmaps, stores."""
