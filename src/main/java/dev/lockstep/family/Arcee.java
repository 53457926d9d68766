package dev.lockstep.family;

/** Arcee: Llama with an MLP without a gate. */
final class Arcee implements Family {
    @Override
    public String name() {
        return "arcee";
    }

    @Override
    public String architecture() {
        return "ArceeForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 2560, 32, 0, 0, 18432, 32000, 4096, 1e-5, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, file.flag("mlp_bias", false));
        draft.activation(file.activationAlone("relu2"));
    }
}
