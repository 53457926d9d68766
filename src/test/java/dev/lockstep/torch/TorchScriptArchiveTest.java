package dev.lockstep.torch;

import java.io.ByteArrayInputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import org.junit.jupiter.api.Test;

import dev.lockstep.djl.DjlLibraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class TorchScriptArchiveTest {
    private static final String SOURCE = """
            class Probe(Module):
              flag : bool
              off : bool
              count : int
              scale : float
              name : str
              nothing : Optional[int]
              weights : List[Tensor]

              def describe(self: __torch__.Probe) -> str:
                return "{} {} {} {} {} {} {}".format(self.flag, self.off, self.count, self.scale, self.name,
                    self.nothing is None, len(self.weights))

              def init(self: __torch__.Probe, weight: Tensor) -> int:
                self.weights.append(weight)
                return len(self.weights)

              def scaled(self: __torch__.Probe, x: Tensor) -> Tensor:
                return x * self.weights[0] * self.scale
            """;

    @Test
    void write_module_loadsInTheEngineWithItsAttributes() throws Exception {
        withModule(attributes(), module -> {
            try (IValue text = IValueUtils.runMethod(module, "describe")) {
                assertThat(text.toStringValue()).isEqualTo("True False -70000 0.125 ünïcode \\n True 0");
            }
            return null;
        });
    }

    @Test
    void write_emptyTensorList_isFilledByAMethodAndKeepsWhatItGot() throws Exception {
        float[] result = withModule(attributes(), module -> {
            try (PtNDManager manager = (PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch");
                    IValue weight = IValue.from((PtNDArray) manager.create(new float[]{10, 20}));
                    IValue x = IValue.from((PtNDArray) manager.create(new float[]{1, 2}));
                    IValue count = IValueUtils.runMethod(module, "init", weight);
                    IValue scaled = IValueUtils.runMethod(module, "scaled", x)) {
                assertThat(count.toLong()).isEqualTo(1);
                return scaled.toTensor(manager).toFloatArray();
            }
        });

        assertThat(result).containsExactly(1.25f, 5f);
    }

    @Test
    void write_sameInput_givesTheSameBytes() {
        assertThat(TorchScriptArchive.write("Probe", SOURCE, attributes()))
                .isEqualTo(TorchScriptArchive.write("Probe", SOURCE, attributes()));
    }

    @Test
    void write_attributeOfAnotherType_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TorchScriptArchive.write("Probe", SOURCE, Map.of("count", 1L)))
                .withMessage("A TorchScript attribute cannot be a java.lang.Long");
    }

    private static Map<String, Object> attributes() {
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("flag", true);
        attributes.put("off", false);
        attributes.put("count", -70000);
        attributes.put("scale", 0.125);
        attributes.put("name", "ünïcode \\n");
        attributes.put("nothing", null);
        attributes.put("weights", TorchScriptArchive.EmptyList.TENSORS);
        return attributes;
    }

    private static <T> T withModule(Map<String, Object> attributes, Function<PtSymbolBlock, T> use) throws Exception {
        byte[] archive = TorchScriptArchive.write("Probe", SOURCE, attributes);
        try (Model model = DjlLibraries.load(() -> Model.newInstance("probe", Device.cpu(), "PyTorch"))) {
            model.load(new ByteArrayInputStream(archive));
            return use.apply((PtSymbolBlock) model.getBlock());
        }
    }
}
