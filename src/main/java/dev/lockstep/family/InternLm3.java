package dev.lockstep.family;

/** InternLM 3: Llama with biases of its own for q, k and v, and others for all the rest. */
final class InternLm3 implements Family {
    @Override
    public String name() {
        return "internlm3";
    }

    @Override
    public String architecture() {
        return "InternLM3ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 32, 0, 11008, 128512, 32768, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("bias", false);
        draft.biases(file.flag("qkv_bias", false), bias, bias);
    }
}
