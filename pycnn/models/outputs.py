"""The outputs of a model: how they are nested and called, and which loss, target or weight belongs to each."""

from pycnn.layers.structure import sorted_keys

_NESTED = (list, tuple, dict)


class Outputs:
    """The outputs of a model, numbered in the order in which nested ones are flattened: dicts by sorted keys.

    Parameters
    ----------
    y_pred : Tensor, or nested lists, tuples and dicts of them
    layer_names : list of str, optional
        The layers that give the outputs.

    Attributes
    ----------
    names : list of str
        Of a dict the keys, else the names of the layers, else ``output_1``, ``output_2``, ...
    """

    def __init__(self, y_pred, layer_names=None):
        self.names = []
        self._template = self._number(y_pred, layer_names or (), "", False)
        self.count = len(self.names)

    def _number(self, value, layer_names, path, is_named):
        if isinstance(value, dict):
            return {key: self._number(value[key], layer_names, f"{path}{key}/", True) for key in sorted_keys(value)}
        if isinstance(value, (list, tuple)):
            return [self._number(item, layer_names, path, False) for item in value]
        number = len(self.names)
        layer_name = layer_names[number] if number < len(layer_names) else f"output_{number + 1}"
        self.names.append(path[:-1] if is_named else path + layer_name)
        return number

    def spread(self, argument, value, same_for_all=False):
        """Return a list of what ``value`` has for each output, None where it has nothing.

        Parameters
        ----------
        argument : str
            What messages call it.
        value
            One for the only output; or a structure like that of the outputs, a list in their order, or a dict by
            their names.
        same_for_all : bool
            Whether one that is not nested goes to all outputs.

        Raises
        ------
        ValueError
            If it names outputs that there are not, or has another number.
        """
        result = [None] * self.count
        if self.count == 1:
            result[0] = self._unwrap(argument, value)
        else:
            self._fill(argument, value, self._template, same_for_all, result)
        return result

    def _unwrap(self, argument, value):
        """What belongs to the only output, from however many lists and dicts of one."""
        while isinstance(value, _NESTED) and len(value) == 1:
            if isinstance(value, dict):
                ((key, value),) = value.items()
                if key not in self.names and not self.names[0].startswith("output_"):
                    raise ValueError(f"{argument} names {key!r}, but the only output is {self.names[0]!r}")
            else:
                value = value[0]
        if isinstance(value, _NESTED) and value:
            raise ValueError(
                f"The model has one output, but {argument} has {len(value)}. Received: {argument}={value!r}"
            )
        return value

    def _fill(self, argument, value, template, same_for_all, result):
        if value is None:
            return
        if isinstance(template, int):
            result[template] = value
        elif isinstance(value, dict):
            places = template
            if not isinstance(template, dict):
                places = {self.names[i]: i for i in template if isinstance(i, int)}
            unknown = [key for key in value if key not in places]
            if unknown:
                raise ValueError(
                    f"{argument} names outputs that there are not: {unknown}. The outputs are {list(places)}. "
                    f"Received: {argument} with the keys {list(value)}"
                )
            for key, item in value.items():
                self._fill(argument, item, places[key], same_for_all, result)
        elif isinstance(value, (list, tuple)):
            places = list(template.values()) if isinstance(template, dict) else template
            if len(value) != len(places):
                raise ValueError(
                    f"{argument} must have one part for each of the {len(places)} outputs, {self.names}. "
                    f"Received: {argument} with {len(value)} parts"
                )
            for item, place in zip(value, places, strict=True):
                self._fill(argument, item, place, same_for_all, result)
        elif same_for_all:
            for place in template.values() if isinstance(template, dict) else template:
                self._fill(argument, value, place, same_for_all, result)
        else:
            raise ValueError(
                f"The model has {self.count} outputs, {self.names}; {argument} must be a list or dict of as many. "
                f"Received: {argument} of type {type(value).__name__}"
            )
