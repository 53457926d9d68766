package dev.lockstep.family;

/** Seed-OSS: Llama with biases of q, k and v. */
final class SeedOss implements Family {
    @Override
    public String name() {
        return "seed_oss";
    }

    @Override
    public String architecture() {
        return "SeedOssForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(64, 4096, 80, 8, 128, 27648, 155136, 524288, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.biases(file.flag("attention_bias", true), file.flag("attention_out_bias", false),
                file.flag("mlp_bias", false));
    }
}
