package dev.lockstep.checkpoint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Printable;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.TensorNames;

/**
 * The model's tensors among those that are stored, found as transformers finds them: a name may lack the prefix of the
 * base model or have it once too often, and what the model has no place for is left out.
 *
 * @param tensors   by the model's names, in the order of {@link Checkpoint#expected}, of a quantized weight all its parts;
 *                  unmodifiable
 * @param quantized by the names of the weights
 * @param ownHead   an output projection is stored although config.json ties it to the embedding
 * @param listing   where they are listed
 * @param unused    stored names that the model has no place for
 */
record MatchedTensors(Map<String, TensorRef> tensors, Map<String, QuantizedWeight> quantized, boolean ownHead,
        String listing, List<String> unused) {
    private static final String PREFIX = "model.";
    private static final String HEAD = "lm_head.weight";
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final int NAMED = 5;

    /**
     * @throws ModelException when a tensor is missing or has another shape or type than the model needs
     */
    static MatchedTensors of(ModelConfig config, @Nullable Quantization quantization, StoredTensors stored) {
        List<ExpectedTensor> expected = Checkpoint.expected(config.untied());
        Set<String> names = names(expected, quantization != null);
        TensorNames own = config.stored().names();
        Map<String, StoredTensors.Stored> byName = new HashMap<>(stored.byName());
        byName.keySet().removeIf(name -> !names.contains(name) || !own.model(name).equals(name));
        List<String> unused = new ArrayList<>();
        stored.byName().forEach((name, found) -> {
            String model = renamed(own.model(name), names);
            // a tensor that is stored under its very name goes before any other
            if (KvScaleTensors.isOne(name)) {
                return;
            }
            if (!names.contains(model) || byName.putIfAbsent(model, found) != null && !model.equals(name)) {
                unused.add(name);
            }
        });
        boolean tied = config.tiedEmbeddings();
        boolean ownHead = tied && byName.get(HEAD) != null && byName.get(EMBEDDING) != null;
        if (tied && byName.get(EMBEDDING) == null) {
            byName.put(EMBEDDING, byName.get(HEAD));
        }
        Map<String, TensorRef> tensors = new LinkedHashMap<>();
        Map<String, QuantizedWeight> quantized = new LinkedHashMap<>();
        for (ExpectedTensor tensor : ownHead ? expected : Checkpoint.expected(config)) {
            Optional<QuantizedWeight> weight = quantization == null || !tensor.isLinear() && !tensor.isOfAllExperts()
                    ? Optional.empty()
                    : quantization.form(own.stored(tensor.module())).flatMap(form -> form.match(tensor, byName::get));
            if (weight.isPresent()) {
                quantized.put(tensor.name(), weight.get());
                weight.get().tensors().forEach(part -> tensors.put(part.name(), part));
                continue;
            }
            StoredTensors.Stored found = byName.get(tensor.name());
            if (found == null) {
                throw new ModelException(stored.listing() + ": tensor " + own.stored(tensor.name()) + " is missing.");
            }
            tensors.put(tensor.name(), matched(tensor, found));
        }
        return new MatchedTensors(Collections.unmodifiableMap(tensors), quantized, ownHead,
                stored.listing().toString(), List.copyOf(unused));
    }

    /** Whether the output projection is stored, in whatever form. */
    static boolean hasHead(ModelConfig config, StoredTensors stored) {
        String module = HEAD.substring(0, HEAD.lastIndexOf('.') + 1);
        return stored.byName().keySet().stream()
                .anyMatch(name -> config.stored().names().model(name).startsWith(module));
    }

    /** All that the model may have a place for. */
    private static Set<String> names(List<ExpectedTensor> expected, boolean quantized) {
        Set<String> names = expected.stream().map(ExpectedTensor::name).collect(Collectors.toSet());
        if (quantized) {
            expected.stream().filter(tensor -> tensor.isLinear() || tensor.isOfAllExperts())
                    .map(ExpectedTensor::module).forEach(
                            module -> QuantizedForm.SUFFIXES.forEach(suffix -> names.add(module + "." + suffix)));
        }
        return names;
    }

    /** The model's name of a stored tensor, where it has one. */
    private static String renamed(String name, Set<String> names) {
        String shorter = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
        return names.contains(shorter) ? shorter : names.contains(PREFIX + name) ? PREFIX + name : name;
    }

    private static TensorRef matched(ExpectedTensor expected, StoredTensors.Stored found) {
        SafetensorsHeader.Entry entry = found.entry();
        String tensor = found.file() + ": tensor " + entry.name();
        if (!Arrays.equals(entry.shape(), expected.storedShape())) {
            throw new ModelException(tensor + " has shape " + Arrays.toString(entry.shape())
                    + ", but config.json calls for " + Arrays.toString(expected.storedShape()) + ".");
        }
        StoredType type = StoredType.of(entry.dtype()).filter(StoredType.FLOATS::contains)
                .orElseThrow(() -> new ModelException(
                        tensor + " has dtype " + entry.dtype() + "; supported are F32, BF16 and F16."));
        return new TensorRef(expected.name(), found.file(), entry.offset(), entry.bytes(), type, entry.shape());
    }

    /** Names a few of them; empty where all are used. */
    Optional<String> unusedSentence() {
        List<String> named = unused.stream().sorted().toList();
        if (named.isEmpty()) {
            return Optional.empty();
        }
        String names = String.join(", ", named.stream().limit(NAMED).map(Printable::cut).toList());
        return Optional.of(Printable.sentence(listing + ": " + named.size()
                + (named.size() == 1
                        ? " tensor that this model does not use is"
                        : " tensors that this model does not use are")
                + " left out: " + names + (named.size() > NAMED ? ", ..." : ".")));
    }
}
