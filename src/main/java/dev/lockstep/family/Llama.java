package dev.lockstep.family;

/** Llama, and what is saved as such. */
final class Llama implements Family {
    @Override
    public String name() {
        return "llama";
    }

    @Override
    public String architecture() {
        return "LlamaForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 0, 0, 11008, 32000, 2048, 1e-6, 10_000, false);
    }

    @Override
    public RopeForm ropeForm() {
        return RopeForm.partial(1);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, file.flag("mlp_bias", false));
    }
}
