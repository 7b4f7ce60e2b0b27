"""Whatever fills a prior store: a model that is asked, or maps and points from elsewhere."""
