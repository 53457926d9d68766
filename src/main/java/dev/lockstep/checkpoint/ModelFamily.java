package dev.lockstep.checkpoint;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import dev.lockstep.host.Spelling;

/** A {@code model_type} that the decoder computes, with the defaults of its configuration class in transformers. */
enum ModelFamily {
    LLAMA("LlamaForCausalLM", 32, 4096, 32, 0, 0, 11008, 32000, 2048, 1e-6, 10_000, 0), //
    MISTRAL("MistralForCausalLM", 32, 4096, 32, 8, 0, 14336, 32000, 131072, 1e-6, 10_000, 4096), //
    QWEN2("Qwen2ForCausalLM", 32, 4096, 32, 32, 0, 22016, 151936, 32768, 1e-6, 10_000, 4096), //
    QWEN3("Qwen3ForCausalLM", 32, 4096, 32, 32, 128, 22016, 151936, 32768, 1e-6, 10_000, 4096), //
    PHI3("Phi3ForCausalLM", 32, 3072, 32, 0, 0, 8192, 32064, 4096, 1e-5, 10_000, 0), //
    SMOLLM3("SmolLM3ForCausalLM", 36, 2048, 16, 4, 0, 11008, 128256, 32768, 1e-6, 2_000_000, 0), //
    OLMO2("Olmo2ForCausalLM", 32, 4096, 32, 0, 0, 11008, 50304, 2048, 1e-5, 10_000, 0), //
    GEMMA2("Gemma2ForCausalLM", 26, 2304, 8, 4, 256, 9216, 256000, 8192, 1e-6, 10_000, 4096), //
    GEMMA3_TEXT("Gemma3ForCausalLM", 26, 2304, 8, 4, 256, 9216, 262208, 131072, 1e-6, 1_000_000, 4096);

    final String architecture;
    final int layers;
    final int hidden;
    final int heads;
    /** 0 is as many as there are heads. */
    final int kvHeads;
    /** 0 is the hidden size over the heads. */
    final int headDim;
    final int intermediate;
    final int vocabulary;
    final int contextLength;
    final double rmsNormEps;
    final double theta;
    /** 0 is no limit. */
    final int slidingWindow;

    ModelFamily(String architecture, int layers, int hidden, int heads, int kvHeads, int headDim, int intermediate,
            int vocabulary, int contextLength, double rmsNormEps, double theta, int slidingWindow) {
        this.architecture = architecture;
        this.layers = layers;
        this.hidden = hidden;
        this.heads = heads;
        this.kvHeads = kvHeads;
        this.headDim = headDim;
        this.intermediate = intermediate;
        this.vocabulary = vocabulary;
        this.contextLength = contextLength;
        this.rmsNormEps = rmsNormEps;
        this.theta = theta;
        this.slidingWindow = slidingWindow;
    }

    static Optional<ModelFamily> of(String modelType) {
        return Arrays.stream(values()).filter(family -> family.toString().equals(modelType)).findFirst();
    }

    /**
     * The one whose name is nearest to a name that none has: one that it begins, or that begins it, or that differs in two
     * letters at most. It may still be another model, as mistral is for mixtral.
     */
    static Optional<ModelFamily> nearest(String modelType) {
        String name = modelType.toLowerCase(Locale.ROOT).replace('-', '_');
        if (name.length() < 3) {
            return Optional.empty();
        }
        return Arrays.stream(values()).filter(family -> family.toString().startsWith(name)).findFirst()
                .or(() -> Arrays.stream(values()).filter(family -> name.startsWith(family.toString())).findFirst())
                .or(() -> Arrays.stream(values())
                        .filter(family -> Math.abs(family.toString().length() - name.length()) <= 2
                                && Spelling.distance(name, family.toString()) <= 2)
                        .min(Comparator.comparingInt(family -> Spelling.distance(name, family.toString()))));
    }

    /** All of them, for a sentence. */
    static String names() {
        List<String> names = Arrays.stream(values()).map(ModelFamily::toString).toList();
        int last = names.size() - 1;
        return String.join(", ", names.subList(0, last)) + " and " + names.get(last);
    }

    /** The architecture of the model without its output projection, which may have been saved by itself. */
    String baseArchitecture() {
        return this == GEMMA3_TEXT ? "Gemma3TextModel" : architecture.replace("ForCausalLM", "Model");
    }

    /** Whether its configuration class in transformers has layer_types. */
    boolean hasLayerTypes() {
        return isQwen() || isGemma() || this == SMOLLM3;
    }

    boolean isQwen() {
        return this == QWEN2 || this == QWEN3;
    }

    boolean isGemma() {
        return this == GEMMA2 || this == GEMMA3_TEXT;
    }

    /** The model_type. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
