#!/bin/sh
# Trains the other networks of experiments/beyond-networks.toml at 1 mm and sets their thresholds on the
# same tissue as those of `restoration`: about four hours of one core. Run restoration.sh first.
# Usage: runs/networks.sh OUT, the folder of restoration.sh; the models land in OUT/networks.
set -eu
out=$1
for name in sAE3 sAE1 sAE-GAN sVAE sVAE-GAN dAE dVAE; do
    lesionless train "$out/prepared-normals" "$out/trained/$name" --model $name \
        --margin 2 --every 2 --epochs 30 --threads 1
done
lesionless train "$out/prepared-normals" "$out/trained/AnoGAN" --model AnoGAN \
    --margin 2 --every 2 --epochs 30 --calibration-slices 8 --threads 1
lesionless train "$out/prepared-normals" "$out/trained/denoising" --model denoising \
    --beside-lesions-mm 15 --also "$out/prepared-phantom" --every 2 \
    --epochs 12 --beta1 0.9 --decay cosine --threads 1
for name in sAE3 sAE1 sAE-GAN sVAE sVAE-GAN dAE dVAE denoising; do
    lesionless calibrate "$out/prepared-normals" "$out/networks/$name" \
        --model "$out/trained/$name" --beside-lesions-mm 15
done
lesionless calibrate "$out/prepared-normals" "$out/networks/AnoGAN" \
    --model "$out/trained/AnoGAN" --beside-lesions-mm 15 --calibration-slices 120 --threads 1
