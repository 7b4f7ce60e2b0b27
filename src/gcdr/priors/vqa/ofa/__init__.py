"""OFA (Wang et al., ICML 2022), the paper's question-answering model, in plain PyTorch."""
