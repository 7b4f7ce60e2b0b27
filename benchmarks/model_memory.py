"""The most memory that a paper-sized model takes in a training step, or when it is asked about people.

    python benchmarks/model_memory.py vat 4          # and 8: the difference is what four people add
    python benchmarks/model_memory.py vat 64 --ask

On a CPU, in float32, with random weights and pictures. A process for each, since what is printed is the most
that it ever held.
"""

import argparse
import time

import torch
from training import Clock, pictures, refinement, training_step, vqa

from gcdr.models.denoiser import Denoiser
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.refine.diffusion import Schedule, training_pair

LAST = torch.channels_last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", choices=("vat", "denoiser", "ofa-large"))
    parser.add_argument("people", type=int)
    parser.add_argument("--ask", action="store_true", help="not a training step")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clock, count = Clock(torch.device("cpu"), 1), options.people
    inputs, target = pictures(count, clock.device), torch.rand(count, 64, 64)
    if options.model == "ofa-large":
        work = vqa(OFAConfig.large(), count, clock.device)
    elif options.model == "vat":
        vat = VAT(VATConfig.paper()).to(memory_format=LAST)
        work = training_step(vat, lambda: vat(inputs).heatmap, target)
        if options.ask:
            vat.eval()
            work = torch.inference_mode()(lambda: vat(inputs))
    else:
        model = Denoiser(DenoiserConfig.paper()).to(memory_format=LAST)
        times = torch.randint(1, 501, (count,))
        noisy, at = training_pair(Schedule(), target, times, torch.randn_like(target))
        work = training_step(model, lambda: model(noisy, at, inputs), target)
        if options.ask:
            work = refinement(model.eval(), inputs, target)
    start = time.process_time()
    work()
    took = time.process_time() - start
    what = "asked about" if options.ask else "a step of"
    print(f"{options.model}, {what} {count}: {took:.1f} s, {clock.memory():.2f} GB", flush=True)


if __name__ == "__main__":
    main()
