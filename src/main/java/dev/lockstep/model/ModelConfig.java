package dev.lockstep.model;

import java.nio.file.Path;

/**
 * The shapes and constants of a decoder-only transformer, from a checkpoint's {@code config.json}. Both forms that
 * transformers has written give the same record: {@code rope_theta}, {@code rope_scaling} and {@code torch_dtype} (up
 * to 4.x), {@code rope_parameters} and {@code dtype} (5.x). A key that is absent has the default of that family's
 * configuration class in transformers.
 *
 * @param family         llama, mistral, qwen2 or qwen3
 * @param layers         decoder layers
 * @param hidden         width of the residual stream
 * @param heads          query heads
 * @param kvHeads        key and value heads; divides {@code heads}
 * @param headDim        width of one head, even; {@code heads * headDim} need not be {@code hidden}
 * @param intermediate   width of the gated MLP
 * @param vocabulary     rows of the embedding, which may be more than the tokenizer has tokens
 * @param contextLength  positions the model was made for
 * @param rmsNormEps     epsilon of every RMS norm
 * @param tiedEmbeddings the output projection is the input embedding
 * @param attentionBias  q, k and v projections have a bias
 * @param outputBias     the attention's output projection has a bias
 * @param mlpBias        the three MLP projections have a bias
 * @param qkNorm         each query and key head passes an RMS norm before rotation
 * @param slidingWindow  a token sees so many tokens in all layers, itself included; 0 is no limit
 * @param rope           rotary position embedding
 * @param dtype          the type the model computes in where nothing else is asked for
 * @param activation     the MLP's activation; always silu
 */
public record ModelConfig(String family, int layers, int hidden, int heads, int kvHeads, int headDim, int intermediate,
        int vocabulary, int contextLength, double rmsNormEps, boolean tiedEmbeddings, boolean attentionBias,
        boolean outputBias, boolean mlpBias, boolean qkNorm, int slidingWindow, Rope rope, DType dtype,
        String activation) {

    /**
     * Rotary position embedding.
     *
     * @param theta        base of the frequencies
     * @param linearFactor positions are divided by it (linear scaling); 1 for none
     * @param scaling      Llama 3's scaling, or null for none
     */
    public record Rope(double theta, double linearFactor, Llama3Scaling scaling) {}

    /**
     * Llama 3.1's stretching of the context by frequency.
     *
     * @param factor                how far low frequencies are slowed down
     * @param lowFrequencyFactor    wavelengths above {@code originalContextLength / lowFrequencyFactor} get all of it
     * @param highFrequencyFactor   wavelengths below {@code originalContextLength / highFrequencyFactor} get none of it
     * @param originalContextLength positions before the stretching
     */
    public record Llama3Scaling(double factor, double lowFrequencyFactor, double highFrequencyFactor,
            int originalContextLength) {}

    /**
     * Reads {@code config.json} of a checkpoint directory.
     *
     * @throws ModelException when the file is absent, is not JSON, has a bad value, or describes a model that the
     *                        decoder does not compute
     */
    public static ModelConfig read(Path directory) {
        return ConfigReader.read(directory);
    }

    /**
     * The angle by which position 1 turns each pair of a head's dimensions, {@code theta^(-2i/headDim)} for pair
     * {@code i}, with linear scaling (Kaiokendev) or Llama 3's applied. The latter is {@code apply_scaling} of Meta's
     * <a href="https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py">llama-models</a>, which
     * transformers calls rope type {@code llama3}.
     *
     * @return headDim / 2 angles in radians, from the fastest to the slowest
     */
    public double[] inverseFrequencies() {
        double[] frequencies = new double[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double plain = Math.pow(rope.theta, -2.0 * i / headDim);
            frequencies[i] = (rope.scaling == null ? plain : stretch(plain, rope.scaling)) / rope.linearFactor;
        }
        return frequencies;
    }

    private static double stretch(double frequency, Llama3Scaling scaling) {
        double turns = scaling.originalContextLength * frequency / (2 * Math.PI);
        if (turns > scaling.highFrequencyFactor) {
            return frequency;
        }
        if (turns < scaling.lowFrequencyFactor) {
            return frequency / scaling.factor;
        }
        double keep = (turns - scaling.lowFrequencyFactor) / (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
        return (1 - keep) * frequency / scaling.factor + keep * frequency;
    }

    ModelConfig withDtype(DType other) {
        return new ModelConfig(family, layers, hidden, heads, kvHeads, headDim, intermediate, vocabulary,
                contextLength, rmsNormEps, tiedEmbeddings, attentionBias, outputBias, mlpBias, qkNorm, slidingWindow,
                rope, other, activation);
    }
}
