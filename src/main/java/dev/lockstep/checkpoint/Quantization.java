package dev.lockstep.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;

/**
 * What {@code quantization_config} says of how linear layers are stored. Which of them are quantized at all is not asked
 * of it, but of what is stored: lists of what to leave out are written in as many ways as there are tools.
 *
 * @param method quant_method, as in {@code gptq}
 * @param groups at least one; a layer has the form of the one that names it most narrowly
 */
record Quantization(String method, List<Group> groups) {
    private static final String PATTERN = "re:";
    private static final String CLASS = "Linear";

    /**
     * Layers that are alike.
     *
     * @param targets names of layers, patterns of such after {@code re:}, or {@code Linear} for all
     */
    record Group(List<String> targets, QuantizedForm form) {
        /** How narrowly it names the layer: 0 not at all, 3 by name. */
        private int names(String module) {
            if (targets.contains(module)) {
                return 3;
            }
            boolean matched = targets.stream().filter(target -> target.startsWith(PATTERN))
                    .anyMatch(
                            target -> Pattern.compile(target.substring(PATTERN.length())).matcher(module).lookingAt());
            return matched ? 2 : targets.contains(CLASS) ? 1 : 0;
        }
    }

    /**
     * @return empty where config.json has no quantization_config
     * @throws ModelException when it is of a kind that is not supported
     */
    static Optional<Quantization> read(Path directory) {
        return QuantizationReader.read(JsonFile.read(directory.resolve("config.json")));
    }

    /** The form of a layer, if it is quantized. */
    Optional<QuantizedForm> form(String module) {
        Group best = groups.get(0);
        if (groups.size() == 1) {
            return Optional.of(best.form);
        }
        for (Group group : groups) {
            if (group.names(module) > best.names(module)) {
                best = group;
            }
        }
        return best.names(module) == 0 ? Optional.empty() : Optional.of(best.form);
    }

    /** For people, such as "gptq int4". */
    @Override
    public String toString() {
        return method + " " + String.join(" and ", groups.stream().map(group -> group.form.type()).distinct().toList());
    }
}
