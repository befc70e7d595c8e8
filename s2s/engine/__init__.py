"""The local engine: changes the speaker of a recording without a key, a network or a GPU.

A studio effect, not a clone: same words, same timing, a different and plausible voice. The recording is taken apart
by the WORLD vocoder (Morise, Yokomori, Ozawa 2016); F0, formants, long-term spectrum and breathiness are moved to
those of a built-in voice; every frame keeps its loudness and its place. `docs/engine.md` has the method and numbers.

What the contract's voice settings do here:

- `similarity_boost` (.75): how far formants, colour and breath move to the voice; 0 goes 40 % of the way, 1 goes 120 %.
- `stability` (.5): width of the melody, 1.3 times the voice's at 0, .7 times at 1.
- `style` (0): widens the melody by up to 30 %.
- `use_speaker_boost`: up to 4 dB more presence, at the same loudness.
- `speed` (1): so much faster, at the same pitch. At 1 every moment stays where it is.

`remove_background_noise` takes noise away before the voice is changed, as strongly as a setting of ours says
(`noise_reduction_db`, 40); one of the voices does nothing else. Not every machine can (`denoiser`).

Each `seed` is another take, with other breath and a melody that drifts by some cents; the same one gives the same
samples. `model_id` may be any: there is one model.
`/v1/models` lists what has no effect (`ignored_parameters`). Nothing of a request is kept.

Serve it with `python -m s2s.engine`.
"""
